import numpy as np
import pytest
import reference
from pictures import frame, landscape, shown, tick

from engine.stage.passes import load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

SIZE = (160, 96)
PLAIN = {"/stage/grain": 0.0, "/stage/sharpen": 0.0, "/limiter/on": False}
NEEDS = {  # what else must be up for a parameter to show
    "grade/tint_hue": {"tint": 0.7},
    "grade/shoulder": {"exposure": 1.5},
    "flash/hue": {"saturation": 0.8},
    "warp/swirl": {"amount": 0.0},
}


@pytest.fixture
def make(context):
    made = []

    def build(passes, size=SIZE, internal_size=SIZE, **options):
        made.append(Stage(context, size, StageSettings(), passes, internal_size, **options))
        return made[-1]

    yield build
    for one in made:
        one.close()


def moving(stage, params, steps=8):
    """A few frames over two alternating pictures, so that what remembers has something to remember."""
    pictures = [landscape(seed=5), landscape(seed=6)]
    for number in range(steps):
        if number % 3 == 0:
            stage.set_frame(frame(pictures[number // 3 % 2], number))
        stage.draw(tick(params), 5.0 + number * 0.1 + (2.0 if number else 0.0), 0.1)
    return stage.read()[..., :3].astype(float)


def difference(one, other):
    return float(np.abs(one - other).mean())


def all_parameters():
    return [(item.name, name) for item in load_passes() for name in item.leaves]


@pytest.mark.parametrize(("name", "parameter"), all_parameters())
def test_every_parameter_of_every_pass_moves_pixels_at_both_ends(make, passes, name, parameter):
    item = next(item for item in passes if item.name == name)
    context = {f"/shader/{name}/amount": item.leaves["amount"].param.high} if "amount" in item.leaves else {}
    context |= {f"/shader/{name}/{key}": value for key, value in NEEDS.get(f"{name}/{parameter}", {}).items()}
    param, address = item.leaves[parameter].param, f"/shader/{name}/{parameter}"
    rest = moving(make([item]), PLAIN | context | {address: param.default})
    for end in {param.low, param.high} - {param.default}:
        moved = moving(make([item]), PLAIN | context | {address: end})
        assert difference(moved, rest) > 0.5, f"{address} at {end} changes nothing"


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("network", (0.0, 0.5, 1.0)),
        ("blend", (False, True)),
        ("fit", ("crop", "mirror", "tile")),
        ("sharpen", (0.0, 0.35, 1.0)),
        ("grain", (0.0, 0.15, 1.0)),
    ],
)
def test_every_setting_moves_pixels(make, passes, parameter, values):
    drawn = [moving(make(passes), {"/limiter/on": False, f"/stage/{parameter}": value}) for value in values]
    for index, one in enumerate(drawn):
        for other in drawn[index + 1 :]:
            assert difference(one, other) > 0.3


@pytest.mark.parametrize(("parameter", "values"), [("flow", (0.0, 4.0)), ("glow", (0.0, 1.0)), ("hue", (0.0, 0.5))])
def test_the_procedural_look_moves_and_follows_its_settings(make, passes, parameter, values):
    one, other = (shown(make(passes), PLAIN | {f"/stage/{parameter}": value}, frames=8, dt_s=0.1) for value in values)
    assert one.std() > 8.0  # a picture, not a flat field
    assert difference(one, other) > 1.0


def test_the_procedural_look_shows_until_the_first_network_frame_fades_in(make, passes):
    stage, red = make(passes), np.full((16, 16, 3), (255, 0, 0), np.uint8)
    look = shown(stage)
    stage.set_frame(frame(red))
    shares = []
    for number in range(40):
        stage.draw(tick(PLAIN), 6.0 + number / 30, 1 / 30)
        picture = stage.read()[..., :3].astype(float)
        shares.append(picture[..., 0].mean() - picture[..., 2].mean())
    assert difference(look, stage.read()[..., :3].astype(float)) > 30
    assert shares[1] < 0.25 * shares[-1]
    assert max(np.diff(shares)) < 0.12 * shares[-1]


def test_the_first_network_frame_may_be_there_at_once(make, passes):
    stage, red = make(passes), np.full((16, 16, 3), (255, 0, 0), np.uint8)
    stage.set_frame(frame(red), at_once=True)
    shares = []
    for number in range(40):
        stage.draw(tick(PLAIN), number / 30, 1 / 30)
        picture = stage.read()[..., :3].astype(float)
        shares.append(picture[..., 0].mean() - picture[..., 2].mean())
    assert min(shares) > 0.9 * max(shares)


def test_the_picture_never_stands_still_over_a_still(make, passes):
    stage, still = make(passes), landscape()
    one = shown(stage, PLAIN, still)
    later = shown(stage, PLAIN, still, frames=30, start_s=6.0)
    assert difference(one, later) > 1.0


def test_without_passes_the_output_is_the_picture_within_a_level(make):
    rgb = np.kron(np.random.default_rng(1).integers(0, 256, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    for sharp in (False, True):
        drawn = shown(make([], sharp=sharp), PLAIN, rgb)
        assert np.abs(drawn - rgb)[2::16, 2::16].max() <= 2.5
        assert difference(drawn, rgb.astype(float)) < 1.0


def test_master_level_and_blackout_act_at_once_and_on_everything(make, passes):
    stage, rgb = make([item for item in passes if item.kind != "memory"]), landscape()
    full = shown(stage, PLAIN, rgb)
    half = shown(stage, PLAIN | {"/master/level": 0.5}, rgb, frames=1, dt_s=0.0)
    assert np.abs(half - full / 2).max() <= 2.0
    assert shown(stage, PLAIN | {"/blackout": True}, rgb, frames=1).max() <= 1.0


def test_freeze_holds_the_picture_but_not_the_master(make, passes):
    stage = make(passes)
    before = shown(stage, PLAIN, landscape())
    held = shown(stage, PLAIN | {"/freeze": True}, landscape(seed=9), frames=10, start_s=6.0)
    assert np.abs(held - before).max() <= 1.0
    assert shown(stage, PLAIN | {"/freeze": True, "/master/level": 0.0}, frames=1).max() <= 1.0
    assert difference(shown(stage, PLAIN, landscape(seed=9), frames=3, start_s=7.0), before) > 5.0


def test_blending_moves_at_the_rate_of_the_display(make):
    stage, levels = make([]), []
    for number in range(41):  # a network frame every fourth display frame, ever brighter
        if number % 4 == 0:
            stage.set_frame(frame(np.full((8, 8, 3), min(number * 6, 255), np.uint8), number))
        stage.draw(tick(PLAIN), 5.0 + number / 60, 1 / 60)
        levels.append(reference.decoded(stage.read())[..., 0].mean())
    steps = np.diff(levels[16:40])
    assert (steps > 0).all()
    assert stage.status()["blend_latency_ms"] == pytest.approx(1000 * 4 / 60 / 2, rel=0.15)


def test_a_cross_fade_dissolves_the_held_picture_into_the_new_one(make, passes):
    stage = make(passes)
    old = shown(stage, PLAIN, landscape(seed=1), frames=20)
    stage.crossfade(1.0)
    new = {**PLAIN, "/shader/grade/hue": 0.4, "/shader/zoom/amount": 0.3}
    far, near = [], shown(make(passes), new, landscape(seed=2), frames=55)
    for number in range(35):
        stage.set_frame(frame(landscape(seed=2), number))
        stage.draw(tick(new), 6.0 + number / 30, 1 / 30)
        far.append(difference(stage.read()[..., :3].astype(float), old))
    assert far[0] < 0.1 * far[-1]
    assert far[15] == pytest.approx(0.5 * far[-1], rel=0.35)
    assert max(np.diff(far)) < 0.15 * far[-1]
    assert difference(stage.read()[..., :3].astype(float), near) < 0.35 * far[-1]


def test_a_value_that_is_no_number_keeps_the_last_good_one(make, passes):
    addresses = [f"/shader/{item.name}/{name}" for item in passes for name in item.leaves]
    addresses += ["/stage/network", "/stage/grain", "/stage/sharpen", "/master/level", "/limiter/flashes", "/freeze"]
    for bad in (float("nan"), float("inf"), "loud"):
        stage = make(passes)
        good = moving(stage, dict.fromkeys(addresses, bad))
        assert np.array_equal(good, moving(make(passes), {}))
        assert stage.status()["refused_values"] > 0


def test_a_pass_that_makes_nan_does_not_poison_the_memory(make, passes, tmp_path):
    path = tmp_path / "poison.glsl"
    path.write_text(
        "// pass poison\n// order 55\n// kind pointwise\n// param bad 0.0\n"
        "vec3 poison(vec3 color, vec2 uv) { return poison_bad > 0.5 ? vec3(0.0, 1.0, -1.0) / (color.r * 0.0) : color; }\n"
    )
    stage = make([*(item for item in passes if item.order < 55), *load_passes([path]), *(i for i in passes if i.order > 55)])
    shown(stage, {"/shader/poison/bad": 1.0, "/shader/feedback/amount": 1.0}, landscape())
    back = shown(stage, {"/shader/feedback/amount": 0.05}, landscape(), frames=10)
    assert 20 < back.mean() < 235
    assert back.std() > 10


@pytest.mark.parametrize("dt_s", [1 / 60, 0.1])
def test_at_its_loudest_the_chain_neither_whites_out_nor_sticks(make, passes, dt_s):
    loud = {f"/shader/{item.name}/amount": 1.0 for item in passes if "amount" in item.leaves and item.name != "flash"}
    loud |= {"/shader/feedback/half_life_s": 6.0, "/shader/bloom/threshold": 0.0, "/shader/feedback/hue": 1.0}
    stage, means, last = make(passes), [], None
    for number in range(360):
        stage.set_frame(frame(landscape(seed=number // 30 % 4), number))
        stage.draw(tick(loud), 5.0 + number * dt_s, dt_s)
        if number % 60 == 59:
            picture = stage.read()[..., :3].astype(float)
            means.append(picture.mean())
            assert picture.std() > 10, "a flat field"
            assert last is None or difference(picture, last) > 3, "a picture that is stuck"
            last = picture
    assert max(means) < 215
    assert abs(means[-1] - means[-3]) < 12  # the same picture, two seconds and more apart
    dark = np.zeros((16, 16, 3), np.uint8)
    assert shown(stage, {"/shader/feedback/half_life_s": 0.2}, dark, frames=60, dt_s=0.05).mean() < 8


def test_the_same_show_gives_the_same_pictures(make, passes):
    assert np.array_equal(moving(make(passes), {}), moving(make(passes), {}))


def test_a_new_screen_size_keeps_the_picture(make, passes):
    stage, rgb = make(passes, (160, 96), None), landscape()
    before = shown(stage, PLAIN, rgb, frames=10)
    stage.resize((320, 192))
    stage.draw(tick(PLAIN), 5.4, 0.0)
    after = stage.read()[..., :3].astype(float)
    assert after.shape == (192, 320, 3)
    assert difference(after.reshape(96, 2, 160, 2, 3).mean((1, 3)), before) < 6.0


def test_the_internal_size_follows_the_time_there_is(make, passes):
    stage, rgb = make(passes, (640, 360), None), landscape()
    assert stage.internal_size == (320, 180)  # software GL starts small
    for _ in range(300):
        stage.adapt(3.0, 33.3)
    assert stage.internal_size == (640, 360)
    large = shown(stage, PLAIN, rgb, frames=10)
    for _ in range(200):
        stage.adapt(60.0, 33.3)
    assert stage.internal_size == (320, 180)
    stage.draw(tick(PLAIN), 6.0, 0.0)
    assert difference(stage.read()[..., :3].astype(float), large) < 8.0
    assert stage.status()["internal_size"] == (320, 180)


def test_the_scale_bounds_the_internal_size(make, passes):
    stage = make(passes, (1280, 720), None)
    stage.draw(tick({"/stage/scale": 0.5}), 5.0, 0.01)
    for _ in range(1000):
        stage.adapt(0.5, 33.3)
    assert stage.internal_size == (640, 360)


def test_what_is_at_zero_costs_no_program(make, passes):
    stage = make(passes)
    counts = {}
    for on in ((), ("feedback",), ("feedback", "bloom"), ("displace", "glitch", "feedback", "bloom")):
        amounts = {f"/shader/{name}/amount": 0.5 if name in on else 0.0 for name in ("displace", "glitch", "feedback", "bloom")}
        stage.draw(tick(amounts), 5.0, 0.01)
        counts[len(on)] = stage.status()["programs"]
        assert set(on) == {"displace", "glitch", "feedback", "bloom"} & set(stage.status()["passes"])
    assert counts == {0: 1, 1: 2, 2: 2, 4: 4}


def test_the_way_of_a_hardware_card_draws_the_same(make, passes, monkeypatch):
    software = make(passes, (320, 192), None, sharp=True)
    monkeypatch.setattr("engine.stage.stage.is_software", lambda context: False)
    monkeypatch.setattr("engine.stage.renderer.is_software", lambda context: False)
    hardware = make(passes, (320, 192), None)
    assert (hardware.internal_size, hardware.sharp) == ((320, 192), True)
    for _ in range(200):
        software.adapt(1.0, 33.3)
    assert software.internal_size == (320, 192)
    one, other = (moving(stage, PLAIN) for stage in (software, hardware))
    assert np.abs(one - other).max() <= 2.0  # the one keeps the finished picture in bytes, the other in half floats
    assert hardware.draw_ms > 0.0
