"""Each pass as the card draws it against tests/stage/reference.py."""

import numpy as np
import pytest
import reference
from pictures import frame, landscape

from engine.stage.frame_blend import FrameBlend
from engine.stage.renderer import Renderer
from engine.stage.stage_params import FITS
from engine.stage.tick_values import Values

SIZE, ASPECT, DT = (96, 60), 1.6, 1 / 30
HALF = 4e-3  # half floats, and sines as fast as the card has them


class Bench:
    """Draws one pass alone over a known picture."""

    def __init__(self, context, passes, name, sharp=False):
        self.source = next((item for item in passes if item.name == name), None)
        self.renderer = Renderer(context, [self.source] if self.source else [], sharp, SIZE)
        self.frames = FrameBlend(context)
        self.context = context

    def draw(self, rgb, values=None, steps=1, fit="crop", dt=DT):
        self.frames.put(frame(rgb))
        older, newer = self.frames.textures
        shared = {"time": 0.0, "dt": dt, "aspect": ASPECT, "blend_now": 1.0, "network_now": 1.0}
        shared |= {"fit": FITS.index(fit), "picture_aspect": rgb.shape[1] / rgb.shape[0]}
        reader = Values()
        reader.params = {f"/shader/{self.source.name}/{name}": value for name, value in (values or {}).items()}
        for _ in range(steps):
            target = self.renderer.draw(reader, shared, {"older": older, "newer": newer, "look": newer}, dt)
        self.context.finish()
        raw = np.frombuffer(target.texture.read(), np.float16).reshape(SIZE[1], SIZE[0], 4)
        return raw[..., :3].astype(float)

    def close(self):
        self.renderer.release()
        self.frames.release()


@pytest.fixture
def bench(context, passes):
    made = []

    def make(name, sharp=False):
        made.append(Bench(context, passes, name, sharp))
        return made[-1]

    yield make
    for one in made:
        one.close()


def base(rgb, uv, fit="crop"):
    at = reference.fitted(uv, ASPECT, rgb.shape[1] / rgb.shape[0], fit)
    return reference.bilinear(reference.decoded(rgb), at)


def assert_same(drawn, expected, tolerance=HALF, allow=0.0):
    """Equal within a relative tolerance but for the part `allow` of pixels, which lie on a fold or a block's edge."""
    error = np.abs(drawn - expected).max(-1) / (1 + np.abs(expected).max(-1))
    wrong = float((error > tolerance).mean())
    assert wrong <= allow, f"{wrong:.2%} of pixels differ; largest {error.max():.4f}, median {np.median(error):.5f}"


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(96, 96), (48, 96), (96, 36)])
def test_a_picture_of_any_shape_is_fitted(bench, fit, shape):
    rgb = landscape()[: shape[0], : shape[1]]
    uv = reference.grid(SIZE)
    allow = 0.02 if fit == "tile" else 0.0  # a tile's edge may fall either way
    assert_same(bench("").draw(rgb, fit=fit), base(rgb, uv, fit), allow=allow)


def test_the_sharp_enlargement_interpolates_and_keeps_edges_steeper(bench):
    rgb = np.zeros((12, 12, 3), np.uint8)
    rgb[:, 6:] = 200
    soft, sharp = bench("").draw(rgb), bench("", sharp=True).draw(rgb)
    middle = SIZE[1] // 2
    assert np.abs(np.diff(sharp[middle, :, 0])).max() > 1.15 * np.abs(np.diff(soft[middle, :, 0])).max()
    assert_same(sharp[:, :8], soft[:, :8])
    assert sharp.min() >= 0.0


COORDINATE = {
    "zoom": [
        {"amount": 0.0, "drift": 0.0, "speed": 0.0, "angle": 0.0, "spin": 0.0},
        {"amount": 0.7, "drift": 1.0, "speed": 2.0, "angle": 0.1, "spin": 0.5},
        {"amount": -0.5, "drift": 0.3, "speed": 1.0, "angle": -0.4, "spin": -0.2},
    ],
    "warp": [
        {"amount": 0.0, "scale": 2.0, "speed": 1.0, "swirl": 0.0},
        {"amount": 1.0, "scale": 2.0, "speed": 3.0, "swirl": 0.4},
        {"amount": 0.4, "scale": 8.0, "speed": 0.0, "swirl": -1.0},
    ],
    "kaleidoscope": [
        {"amount": 0.0, "segments": 6, "angle": 0.0, "spin": 0.0},
        {"amount": 1.0, "segments": 5, "angle": 0.07, "spin": 0.3},
        {"amount": 0.5, "segments": 12, "angle": -0.3, "spin": -0.5},
    ],
}


def integrated(source, values, dt):
    return {name: value * dt if name in source.rates else value for name, value in values.items()}


@pytest.mark.parametrize(("name", "values"), [(name, values) for name, rows in COORDINATE.items() for values in rows])
def test_coordinate_passes(bench, name, values):
    rgb, one = landscape(), bench(name)
    uv = getattr(reference, name)(reference.grid(SIZE), ASPECT, **integrated(one.source, values, DT))
    assert_same(one.draw(rgb, values), base(rgb, uv), tolerance=0.02, allow=0.002)


NEIGHBOURS = {
    "displace": [
        {"amount": 1.0, "light": 0.0, "scale": 6.0, "speed": 3.0},
        {"amount": 1.0, "light": 1.0, "scale": 4.0, "speed": 0.0},
        {"amount": 0.3, "light": 0.5, "scale": 20.0, "speed": 1.0},
    ],
    "glitch": [
        {"amount": 1.0, "blocks": 9.0, "split": 1.0, "rate": 30.0},
        {"amount": 0.4, "blocks": 14.0, "split": 0.0, "rate": 10.0},
    ],
}


@pytest.mark.parametrize(("name", "values"), [(name, values) for name, rows in NEIGHBOURS.items() for values in rows])
def test_passes_that_read_their_neighbours(bench, name, values):
    rgb, one, uv = landscape(), bench(name), reference.grid(SIZE)
    expected = getattr(reference, name)(base(rgb, uv), uv, ASPECT, **integrated(one.source, values, DT))
    assert_same(one.draw(rgb, values), expected, tolerance=0.02, allow=0.01)


@pytest.mark.parametrize(
    "values",
    [
        {"amount": 1.0, "half_life_s": 0.5, "zoom": 2.0, "rotate": 0.3, "hue": 1.0},
        {"amount": 0.3, "half_life_s": 2.0, "zoom": -1.0, "rotate": 0.0, "hue": 0.0},
    ],
)
def test_feedback_remembers(bench, values):
    rgb, dark, one, uv = landscape(), np.full((96, 96, 3), 10, np.uint8), bench("feedback"), reference.grid(SIZE)
    one.draw(rgb, values)
    drawn = one.draw(dark, values, steps=2)
    memory = base(rgb, uv)
    for _ in range(2):
        memory = reference.feedback(base(dark, uv), memory, uv, ASPECT, DT, **values)
    assert_same(drawn, memory, tolerance=0.006)


def test_feedback_fades_in_seconds_not_in_frames(bench):
    light, dark = np.full((32, 32, 3), 250, np.uint8), np.zeros((32, 32, 3), np.uint8)
    left = []
    for steps in (15, 60):
        one = bench("feedback")
        one.draw(light, {"amount": 1.0, "half_life_s": 0.5})
        left.append(one.draw(dark, {"amount": 1.0, "half_life_s": 0.5, "hue": 0.0}, steps=steps, dt=0.5 / steps).mean())
    assert left[0] == pytest.approx(left[1], rel=0.03)
    rate = np.log(2) / 0.5  # L' = -rate L - 2 L^2, from sRGB 250, after one half-life
    start = reference.decoded(np.full((1, 1, 3), 250))[0, 0, 0]
    assert left[1] == pytest.approx(0.5 * rate * start / (rate + start), rel=0.03)


@pytest.mark.parametrize(
    "values", [{"amount": 1.0, "threshold": 0.2, "tint": 1.0}, {"amount": 0.5, "threshold": 0.9, "tint": 0.0}]
)
def test_bloom(bench, values):
    rgb, uv = landscape(), reference.grid(SIZE)
    assert_same(bench("bloom").draw(rgb, values), reference.bloom(base(rgb, uv), uv, **values), tolerance=0.006)


POINTWISE = {
    "flash": [{"amount": 1.0, "hue": 0.2, "saturation": 1.0}, {"amount": 0.3, "hue": 0.9, "saturation": 0.1}],
    "grade": [
        {
            "exposure": 0.0,
            "contrast": 1.0,
            "saturation": 1.0,
            "hue": 0.0,
            "tint": 0.0,
            "tint_hue": 0.0,
            "shoulder": 0.0,
            "vignette": 0.0,
        },
        {
            "exposure": 2.0,
            "contrast": 1.4,
            "saturation": 0.3,
            "hue": 0.3,
            "tint": 0.5,
            "tint_hue": 0.7,
            "shoulder": 1.0,
            "vignette": 1.0,
        },
        {
            "exposure": -2.0,
            "contrast": 0.5,
            "saturation": 2.0,
            "hue": -0.5,
            "tint": 0.1,
            "tint_hue": 0.2,
            "shoulder": 0.4,
            "vignette": 0.2,
        },
    ],
}


@pytest.mark.parametrize(("name", "values"), [(name, values) for name, rows in POINTWISE.items() for values in rows])
def test_pointwise_passes(bench, name, values):
    rgb, uv = landscape(), reference.grid(SIZE)
    expected = getattr(reference, name)(base(rgb, uv), uv, **values)
    assert_same(bench(name).draw(rgb, values), expected, tolerance=0.006)


def test_every_pass_has_a_reference(passes):
    known = {*COORDINATE, *NEIGHBOURS, *POINTWISE, "feedback", "bloom"}
    assert {item.name for item in passes} == known
    for rows in (COORDINATE, NEIGHBOURS, POINTWISE):
        for name, cases in rows.items():
            leaves = next(item for item in passes if item.name == name).leaves
            assert all(set(case) == set(leaves) for case in cases), name
