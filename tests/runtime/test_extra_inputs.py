"""A network with live inputs, from the tick to the picture: StyleGAN2, small and with drawn weights."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from ticks import draw, latent, make_tick

torch = pytest.importorskip("torch")
import openvino as library  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from engine.core.registry import lookup  # noqa: E402
from engine.generators.stylegan2 import StyleGAN2  # noqa: E402
from engine.runtime.card import CardError, ModelCard, load_card  # noqa: E402
from engine.runtime.compile.compiled_model import entry  # noqa: E402
from engine.runtime.picture_network import load_network  # noqa: E402
from engine.runtime.worker.process import GeneratorProcess  # noqa: E402
from engine.studio import card_file, random_model  # noqa: E402

CONFIG = {
    "resolution": 32,
    "z_dim": 16,
    "w_dim": 16,
    "c_dim": 3,
    "channel_base": 512,
    "channel_max": 32,
    "mapping_layers": 2,
    "conv_clamp": 256,
}


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    folder = tmp_path_factory.mktemp("models") / "small"
    folder.mkdir()
    torch.manual_seed(1)
    network = StyleGAN2.from_config(CONFIG)
    for name, value in network.named_parameters():
        if name.endswith("noise_strength"):
            value.data.fill_(0.3)
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, folder / "weights.safetensors")
    names = {"name": "small", "architecture": "stylegan2", "classes": ["a", "b", "c"], "licence": "none", "config": CONFIG}
    card_file.write(folder, card_file.complete(folder, names, network))
    return load_card(folder)


@pytest.fixture(scope="module")
def both(styled: ModelCard, cache: Path):
    generators = [lookup("runtime", name)(styled, 1, lambda _: None) for name in ("openvino", "torch")]
    yield generators
    for generator in generators:
        generator.close()


def test_runtimes_agree_at_rest_and_with_each_input_moved(styled: ModelCard, both) -> None:
    state = latent(styled, 3)
    rest = {name: np.zeros(shape, np.float32) for name, shape in styled.extra_inputs.items()}
    still = draw(both[0], dataclasses.replace(state, extra_inputs=rest))
    for name in (None, *styled.extra_inputs):
        moved = rest if name is None else rest | {name: 0.3 * state.extra_inputs[name]}
        one, other = (draw(generator, dataclasses.replace(state, extra_inputs=moved)).astype(int) for generator in both)
        assert np.abs(one - other).max() <= 2, name
        if name is not None:
            assert (one != still).mean() > 0.05, f"{name} does nothing"
    for generator in both:
        assert (draw(generator, dataclasses.replace(state, extra_inputs=rest)).astype(int) - still).max() <= 1, (
            "it did not come to rest"
        )


def test_what_costs_nothing_at_rest_has_no_part_in_the_graph_that_draws_then(styled: ModelCard, both) -> None:
    files = sorted(entry(styled, "openvino").folder.glob("*.xml"))
    inputs = [{port.get_any_name() for port in library.Core().read_model(file).inputs} for file in files]
    assert len(inputs) == 2
    assert inputs[1] - inputs[0] == {"bend"}


def test_live_inputs_reach_the_process_and_one_that_lacks_them_is_refused(styled: ModelCard, both) -> None:
    tick = make_tick(styled, 1)
    with GeneratorProcess(styled.folder, "openvino", 1) as process:
        process.send(tick)
        frame = process.wait_for(1, 60.0)
        assert np.array_equal(frame.rgba, draw(both[0], tick.latent))
        with pytest.raises(ValueError, match=r"expected the inputs \('number', .*'live/bend'.* from tick 1"):
            process.send(dataclasses.replace(tick, latent=dataclasses.replace(tick.latent, extra_inputs={})))


def test_a_card_that_says_other_inputs_than_the_network_has_is_refused(styled: ModelCard) -> None:
    other = dataclasses.replace(styled, extra_inputs={**styled.extra_inputs, "grain": (4,)})
    with pytest.raises(CardError, match=r"expected z, noise, classes, resolution and live inputs of"):
        lookup("runtime", "torch")(other, 1, print)


def test_a_card_of_old_with_camera_in_its_live_table_is_the_same_model(tmp_path: Path) -> None:
    config = {"kind": "t", "resolution": 16, "z_dim": 8, "w_dim": 8, "c_dim": 0, "channel_base": 64, "channel_max": 8}
    random_model.write(tmp_path / "now", "now", "stylegan3", {**config, "mapping_layers": 1, "conv_clamp": 256})
    text = (tmp_path / "now" / "model.toml").read_text()
    assert "[extra_inputs]\n" in text
    assert "view = [4]\n" in text
    shutil.copytree(tmp_path / "now", tmp_path / "old")
    old = text.replace("[extra_inputs]\n", "[live]\n").replace("view = [4]\n", "camera = [4]\n")
    (tmp_path / "old" / "model.toml").write_text(old)
    drawn = []
    for card in (load_card(tmp_path / "now"), load_card(tmp_path / "old")):
        assert card.extra_inputs["view"] == (4,)
        generator = lookup("runtime", "torch")(card, 1, print)
        rest = {name: np.zeros(shape, np.float32) for name, shape in card.extra_inputs.items()}
        state = latent(card, 2)
        moved = rest | {"view": np.array((0.3, 0.0, 0.0, 0.0), np.float32)}
        drawn.append([draw(generator, dataclasses.replace(state, extra_inputs=given)) for given in (rest, moved)])
    assert (drawn[0][0] != drawn[0][1]).any()
    assert all((one == other).all() for one, other in zip(*drawn, strict=True))
    written = card_file.complete(tmp_path / "old", card_file.read(tmp_path / "old"), load_network(card))
    assert "live" not in written
    assert written["extra_inputs"]["view"] == [4]
