"""What holds for every part that is registered, whichever there are: the tests that a new part must pass, and no others."""

import math
from pathlib import Path

import numpy as np
import pytest

from engine.control.tree import ParamTree
from engine.core import resources
from engine.core.params import Leaf, Parametric
from engine.core.registry import PACKAGES, lookup, names
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FeatureFrame
from engine.instrument.instrument import HOP, Instrument, find_patch
from engine.latent.classes import class_leaves
from engine.outputs.sink import Sink, make_sink
from engine.runtime.card import load_card
from engine.runtime.picture_network import load_network, resting
from engine.stage.passes import load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

HOP_S = HOP / 48000
SIZE = (96, 64)
CLASSES = ("sea", "lava", "neon", "sky")


def contexts(count: int, seed: int = 3):
    """Ticks of some music: beats, bars, levels and chroma that come and go."""
    rng = np.random.default_rng(seed)
    context = TickContext(FeatureFrame(0, 0.0, 0.0, {}, {}, ()))
    for tick in range(count):
        values = {"level": float(rng.random()), "gradient": float(rng.random()), "loudness": float(rng.random())}
        vectors = {"chroma": rng.random(12, np.float32)}
        context.features = FeatureFrame(tick, tick * HOP_S, 0.0, values, vectors, ())
        context.tick, context.time_s, context.dt_s = tick, tick * HOP_S, HOP_S
        context.beats, context.pace = tick * HOP_S * 2.0, 0.5
        context.bar_now = math.floor(context.beats / 4) > math.floor(context.bars)
        context.bars, context.bpm = context.beats / 4, 120.0
        yield context


def at(part: Parametric, place: float) -> None:
    """Every number and switch of a part at `place` of 0..1."""
    for leaf in part.leaves.values():
        if leaf.param.numeric:
            leaf.set_base(leaf.param.map(place))


@pytest.mark.parametrize("kind", PACKAGES)
def test_every_part_says_what_it_is_and_each_parameter_what_it_does(kind: str) -> None:
    for name in names(kind):
        part = lookup(kind, name)
        assert part.__doc__, name
        for param in part.params() if issubclass(part, Parametric) else ():
            assert param.doc, f"{name}.{param.name}"
            assert part.leaves if not issubclass(part, Parametric) else Leaf(param).base == param.default


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", names("controller"))
def test_a_controller_answers_any_input_with_a_finite_number_the_same_each_time(kind: str, place: float) -> None:
    def run() -> list[float]:
        part = lookup("controller", kind)(Rng(1, kind))
        at(part, place)
        rng = np.random.default_rng(7)
        return [part.step(float(rng.uniform(-1.0, 2.0)), context) for context in contexts(400)]

    out = run()
    assert all(math.isfinite(y) and abs(y) < 1e6 for y in out)
    assert out == run()


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", names("mover"))
def test_a_mover_keeps_z_finite_and_near_a_normal_distribution_the_same_for_a_seed(kind: str, place: float) -> None:
    def run(seed: int) -> np.ndarray:
        part = lookup("mover", kind)(16, Rng(seed, kind))
        at(part, place)
        z = np.zeros(16, np.float32)
        for context in contexts(400):
            z = np.zeros(16, np.float32)
            part.step(z, context)
            assert z.shape == (16,)
            assert z.dtype == np.float32
            assert np.isfinite(z).all()
            assert np.abs(z).max() < 50.0
        return z

    assert np.array_equal(run(1), run(1))


@pytest.mark.parametrize("place", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", names("mixer"))
def test_a_mixer_gives_weights_that_sum_to_one_whatever_the_faders_say(kind: str, place: float) -> None:
    def run() -> list[np.ndarray]:
        leaves = class_leaves(CLASSES)
        part = lookup("mixer", kind)(leaves, [1, 3], Rng(1, kind))
        at(part, place)
        rng, out = np.random.default_rng(5), []
        for number, context in enumerate(contexts(600)):
            if number % 100 == 0:
                for leaf in leaves.values():
                    leaf.set_base(float(rng.random()) * (number % 200 == 0))
            if number == 350:
                part.turn_to([2, 0], 0.5)
            y = part.step(context)
            assert y.shape == (len(CLASSES),)
            assert y.min() >= 0.0
            assert float(y.sum()) == pytest.approx(1.0, abs=1e-4)
            out.append(np.array(y))
        return out

    assert np.array_equal(run(), run())


@pytest.mark.parametrize("folder", resources.models(), ids=lambda folder: folder.name)
def test_a_model_draws_a_picture_of_its_size_and_rests_where_its_extra_inputs_are_zeros(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    card = load_card(folder)
    network = load_network(card)
    with torch.inference_mode():
        plain = network(*resting(network))
        given = {name: torch.zeros(1, *shape) for name, shape in network.extra_inputs.items()}
        rested = network(*resting(network), given)
        again = network(*resting(network))
    width, height = card.resolution
    assert plain.shape == (1, 3, height, width)
    assert torch.isfinite(plain).all()
    assert torch.equal(plain, again)
    assert torch.allclose(plain, rested, atol=1e-4)
    assert float(plain.abs().max()) <= 1.5


@pytest.mark.parametrize("name", [name for name in names("runtime") if not hasattr(lookup("runtime", name), "precision")])
def test_a_runtime_that_works_here_draws_what_torch_draws(name: str) -> None:
    from engine.runtime.accuracy_check import check, fresh
    from engine.runtime.available import availability

    if not availability(name).works:
        pytest.skip(availability(name).found)
    card = load_card(resources.model_folder("light"))
    generator, plain = lookup("runtime", name)(card, 1, print), lookup("runtime", "torch")(card, 1, print)
    try:
        for state in fresh(generator.info, (), 2):
            one, other = (np.empty((*card.resolution[::-1], 4), np.uint8) for _ in range(2))
            generator.step(state, one)
            plain.step(state, other)
            check(other, one, name)
    finally:
        generator.close()
        plain.close()


@pytest.mark.parametrize("name", names("sink"))
def test_a_sink_takes_pictures_and_sound_in_a_film_and_loses_none(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kind: type[Sink] = lookup("sink", name)
    sink = make_sink(f"{name}:{kind.example}")
    try:
        sink.open(SIZE, 30.0, 48000, paced=False)
    except OSError as error:
        pytest.skip(f"not to be had here: {error}")
    picture = np.full((SIZE[1], SIZE[0], 4), 128, np.uint8)
    picture.flags.writeable = False
    for number in range(12):
        sink.picture(picture, number / 30.0)
        sink.sound(np.zeros((1600, 2), np.float32), number / 30.0)
    sink.resize((64, 48))
    sink.picture(picture[:48, :64], 0.5)
    sink.close()
    status = sink.status()
    assert (status.state, status.dropped, status.lost_s, status.message) == ("closed", 0, 0.0, "")
    assert status.pictures in (0, 13)  # none where nobody looks


@pytest.fixture(scope="module")
def stage():
    from engine.stage.gl_context import headless_context

    context = headless_context()
    made = Stage(context, SIZE, StageSettings(), load_passes(), internal_size=SIZE)
    yield made
    made.close()
    context.release()


@pytest.mark.parametrize("item", load_passes(), ids=lambda item: item.name)
def test_a_pass_draws_finite_pictures_with_each_parameter_at_both_ends(item, stage) -> None:
    instrument = Instrument(find_patch("first-light"), load_card(resources.model_folder("light"), verify=False).info(""))
    tick = instrument.hear({"main": np.zeros(HOP, np.float32)}, 0.0)
    resting_values = {address: value for address, value in tick.params.items() if not address.startswith("/shader/")}
    for name, leaf in item.leaves.items():
        assert f"/shader/{item.name}/{name}" in instrument.tree
        for place in (0.0, 1.0):
            values = {f"/shader/{item.name}/{name}": leaf.param.map(place)}
            if "amount" in item.leaves and name != "amount":
                values[f"/shader/{item.name}/amount"] = item.leaves["amount"].param.high
            for number in range(3):
                stage.draw(_with(tick, {**resting_values, **values}), number / 30.0, 1.0 / 30.0)
            assert stage.refused_values == 0
            assert stage.read().shape == (SIZE[1], SIZE[0], 4)


def _with(tick, params):
    from dataclasses import replace

    return replace(tick, params=params)


def test_every_parameter_of_every_part_of_a_show_is_reached_by_flag_and_address() -> None:
    from engine.commands.shared import flag_of, split_flags

    instrument = Instrument(find_patch("first-light"), load_card(resources.model_folder("light"), verify=False).info(""))
    tree: ParamTree = instrument.tree
    for address in tree:
        leaf = tree.leaf(address)
        flag = flag_of(leaf)
        if flag.count(".") and leaf.param.kind != "vector":
            text = {"bool": "on", "choice": (leaf.param.choices or ("",))[0], "text": "x"}.get(leaf.param.kind, "0.5")
            _, given = split_flags([flag, text])
            assert given == ((address, text),)
            tree.post(address, leaf.param.parse(text))
        elif leaf.param.kind == "vector":
            tree.post(address, leaf.param.parse("0.5,0.5") if not leaf.param.counts else (0.5,) * leaf.param.counts[0])
