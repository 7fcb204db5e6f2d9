"""Blends of two random models: whose weights each layer has, what the card says, and what is refused."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from click.testing import CliRunner  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from tiny import biggan_deep, stylegan2  # noqa: E402

from engine.commands.blend import command  # noqa: E402
from engine.generators.stylegan3 import StyleGAN3, bands  # noqa: E402
from engine.runtime.card import GENERATOR, load_card  # noqa: E402
from engine.studio import card_file  # noqa: E402
from engine.studio.blending import layer_sizes, recipe  # noqa: E402
from engine.studio.drawing import frames, latents, open_model, weights  # noqa: E402


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two models that differ everywhere."""
    folder = tmp_path_factory.mktemp("pair")
    one, two = stylegan2(folder / "one"), stylegan2(folder / "two", shift=0.05)
    card_file.write(two, card_file.read(two) | {"licence": "CC-BY-4.0", "caution": "Shows faces."})
    return one, two


def blended(pair: tuple[Path, Path], out: Path, *options: str) -> dict[str, torch.Tensor]:
    CliRunner().invoke(command, [*map(str, pair), "-o", str(out), *options], catch_exceptions=False)
    return load_file(out / GENERATOR)


def test_coarse_layers_are_the_firsts_and_fine_ones_the_seconds(pair: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = (load_file(folder / GENERATOR) for folder in pair)
    mixed = blended(pair, tmp_path / "mix", "--swap-from", "16")
    taken = {name: torch.equal(tensor, two[name].half()) for name, tensor in mixed.items()}
    assert {name for name, theirs in taken.items() if theirs} == {n for n in one if ".b16." in n or ".b32." in n}
    assert all(torch.equal(mixed[name], one[name].half()) for name, theirs in taken.items() if not theirs)
    by_share = blended(pair, tmp_path / "share", "--layers", "0.5")  # of 4, 8, 16, 32
    assert all(torch.equal(by_share[name], mixed[name]) for name in mixed)


def test_weights_lie_between_and_noise_stays_as_loud(pair: tuple[Path, Path], tmp_path: Path) -> None:
    one, two = (load_file(folder / GENERATOR) for folder in pair)
    mixed = blended(pair, tmp_path / "mix", "--weights", "0.3")
    for name, tensor in mixed.items():
        between = torch.lerp(one[name], two[name], 0.3)
        if name.endswith("noise_const"):
            between = between / np.hypot(0.3, 0.7)
        assert torch.allclose(tensor.float(), between, rtol=1e-3, atol=1e-3), name
    partly = blended(pair, tmp_path / "partly", "--weights", "0.3", "--swap-from", "32")
    assert torch.equal(partly["synthesis.b32.conv0.weight"], mixed["synthesis.b32.conv0.weight"])
    assert torch.equal(partly["synthesis.b16.conv0.weight"], one["synthesis.b16.conv0.weight"].half())


def test_the_card_names_both_sources_and_both_licences(pair: tuple[Path, Path], tmp_path: Path) -> None:
    blended(pair, tmp_path / "mix", "--swap-from", "16")
    card = tomllib.loads((tmp_path / "mix" / "model.toml").read_text())
    assert card["licence"] == "CC0-1.0 AND CC-BY-4.0"
    assert card["caution"] == "Shows faces."
    assert [(s["name"], s["licence"]) for s in card["sources"]] == [("one", "CC0-1.0"), ("two", "CC-BY-4.0")]
    assert [s["sha256"] for s in card["sources"]] == [load_card(folder).sha256 for folder in pair]
    assert card["blend"] == {"swap_from": 16, "weights": 1.0}
    assert card["patch"] == card_file.PATCH  # the usual one names classes that it does not have


def test_what_is_written_can_be_played_and_its_sheet_shows_all_three(pair: tuple[Path, Path], tmp_path: Path) -> None:
    blended(pair, tmp_path / "mix", "--weights", "0.5")
    drawn = []
    for folder in (*pair, tmp_path / "mix"):
        network, _ = open_model(folder)
        drawn.append(frames(network, latents(network, 1, 100), weights(network, {}, 1))[0].astype(int))
    assert min(np.abs(drawn[2] - other).mean() for other in drawn[:2]) > 1
    assert Image.open(tmp_path / "mix" / "blend.webp").size[1] == 3 * 34


def test_layers_of_biggan_have_the_sizes_at_which_they_draw(tmp_path: Path) -> None:
    network, _ = open_model(biggan_deep(tmp_path / "big"))
    sizes = layer_sizes(network)
    assert {sizes["embeddings.weight"], sizes["gen_z.weight"], sizes["layers.0.conv_0.weight"]} == {0, 4}
    assert (sizes["layers.1.conv_3.weight"], sizes["layers.2.gamma"], sizes["layers.3.conv_0.weight"]) == (8, 8, 16)
    assert sizes["to_rgb.weight"] == 16
    assert recipe(network, None, 0.5, None).swap_from == 16


def test_layers_of_stylegan3_have_the_rates_of_their_bands() -> None:
    config = {"kind": "t", "resolution": 64, "z_dim": 8, "w_dim": 8, "c_dim": 0, "channel_base": 512, "channel_max": 16}
    network = StyleGAN3.from_config(config | {"mapping_layers": 1, "conv_clamp": 256.0})
    sizes = layer_sizes(network)
    rates = [max(px for name, px in sizes.items() if name.startswith(f"synthesis.L{index}_")) for index in range(15)]
    assert rates == [band.rate for band in bands(64, 512, 16)]
    assert (sizes["mapping.fc0.weight"], sizes["synthesis.input.weight"]) == (0, 16)


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        ("two", [], "expected --swap-from, --layers or --weights"),
        ("two", ["--swap-from", "12"], "expected --swap-from to be one of 8, 16, 32; got 12"),
        ("two", ["--swap-from", "16", "--layers", "0.5"], "expected --swap-from or --layers; got both"),
        ("one", ["--weights", "0.5"], "expected two models; got the same weights"),
        ("wider", ["--weights", "0.5"], "expected two models of one .config.; got w_dim = 12 and 24 in"),
        ("light", ["--weights", "0.5"], "expected two models of one architecture; got stylegan2 and light in"),
    ],
)
def test_what_cannot_be_blended_is_refused(
    pair: tuple[Path, Path], tmp_path: Path, second: str, options: list[str], message: str
) -> None:
    folder = {"one": str(pair[0]), "two": str(pair[1]), "light": "light"}.get(second)
    folder = folder or str(stylegan2(tmp_path / "wider", w_dim=24))
    with pytest.raises(ValueError, match=message):
        CliRunner().invoke(command, [str(pair[0]), folder, "-o", str(tmp_path / "mix"), *options], catch_exceptions=False)
    assert not (tmp_path / "mix").exists()


def test_a_model_that_is_there_is_kept_unless_forced(pair: tuple[Path, Path], tmp_path: Path) -> None:
    blended(pair, tmp_path / "mix", "--weights", "0.5")
    before = (tmp_path / "mix" / GENERATOR).read_bytes()
    with pytest.raises(FileExistsError, match="expected a new folder"):
        blended(pair, tmp_path / "mix", "--weights", "0.1")
    assert (tmp_path / "mix" / GENERATOR).read_bytes() == before
    blended(pair, tmp_path / "mix", "--weights", "0.1", "--force")
    assert (tmp_path / "mix" / GENERATOR).read_bytes() != before
