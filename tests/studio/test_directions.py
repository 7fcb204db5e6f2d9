"""Directions: found where a network is known to have them, scaled as the show takes them, named after what they do, kept."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from click.testing import CliRunner  # noqa: E402
from PIL import Image  # noqa: E402
from tiny import biggan_deep, stylegan2  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from engine.commands.directions import command  # noqa: E402
from engine.core.network import NOTHING, Network  # noqa: E402
from engine.core.resources import find as on_shelf  # noqa: E402
from engine.core.types import Directions  # noqa: E402
from engine.runtime.card import CardError, load_card  # noqa: E402
from engine.studio import direction_files  # noqa: E402
from engine.studio.direction_naming import OTHERWISE, change_of  # noqa: E402
from engine.studio.directions import find, rows  # noqa: E402
from engine.studio.drawing import frames, latents, open_model, weights  # noqa: E402


class Known(Network):
    """A wave whose place, light and warmth are three coordinates of z; the other five do next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.z_size, self.noise_shape, self.classes, self.resolution, self.extra_inputs = 8, (1,), 1, (64, 64), {}
        self.unused = nn.Parameter(torch.zeros(1))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls()

    def forward(
        self, z: Tensor, y: Tensor, truncation: Tensor, noise: Tensor, extra_inputs: Mapping[str, Tensor] = NOTHING
    ) -> Tensor:
        axis = torch.linspace(-1, 1, 64)
        wave = torch.sin(2 * torch.pi * (axis - 0.3 * z[:, 5:6]))[:, None, None]  # (B, 1, 1, W): z5 moves it to the right
        light = 0.25 * z[:, 2, None, None, None] + torch.tensor([1.0, 0.0, -1.0])[:, None, None] * 0.1 * z[:, 6, None, None, None]
        return 0.4 * wave + light + 1e-3 * z.sum(1)[:, None, None, None] + torch.zeros(64, 1)


def test_the_coordinates_that_matter_are_found_and_named() -> None:
    found = find(Known(), [0], 3, samples=90)
    assert found.space == "z"
    assert set(found.names) == {"pan", "brightness", "warmth"}
    vectors = dict(zip(found.names, found.vectors, strict=True))
    for name, coordinate in (("pan", 5), ("brightness", 2), ("warmth", 6)):
        assert vectors[name] == pytest.approx(np.eye(8)[coordinate], abs=0.1)  # of one standard deviation, and the right way up


def test_directions_of_w_are_its_principal_components_at_one_standard_deviation(tmp_path: Path) -> None:
    network, _ = open_model(stylegan2(tmp_path / "style", c_dim=2))
    found = find(network, [0, 1], 4, samples=4000)
    assert found.space == "w"
    assert found.vectors.shape == (4, 12)
    lengths = np.linalg.norm(found.vectors, axis=1)
    assert (np.diff(lengths) <= 0).all()
    styles = []
    for index in (0, 1):
        given = latents(network, 4000, 1), weights(network, {index: 1.0}, 4000)
        with torch.no_grad():
            style = network.mapping.style(*map(torch.from_numpy, given)).numpy()
        styles.append(style - style.mean(0))
    pooled = np.concatenate(styles)  # (8000, W), within classes
    along = pooled @ (found.vectors / lengths[:, None]).T  # (8000, D)
    assert along.std(0) == pytest.approx(lengths, rel=0.1)
    assert lengths[0] > pooled.std(0).max()  # no coordinate varies as much


def test_directions_of_biggan_are_those_its_first_layer_amplifies_most(tmp_path: Path) -> None:
    network, _ = open_model(biggan_deep(tmp_path / "big"))
    found = find(network, [0, 2], 8)
    assert found.space == "z"
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(8), abs=1e-4)
    gains = np.linalg.norm(network.gen_z.weight[:, :8].detach().numpy() @ found.vectors.T, axis=0)
    assert (np.diff(gains) <= 1e-4).all()
    assert gains[0] == pytest.approx(np.linalg.norm(network.gen_z.weight[:, :8].detach().numpy(), 2), rel=1e-3)


def test_a_row_begins_and_ends_two_deviations_from_the_latent(tmp_path: Path) -> None:
    network, _ = open_model(stylegan2(tmp_path / "style"))
    vectors = np.random.default_rng(1).standard_normal((2, 12)).astype(np.float32)
    row = rows(network, Directions("w", ("a", "b"), vectors), [0], seed=7)[1]
    z, y = latents(network, 1, 7), weights(network, {0: 1.0}, 1)
    assert len(row) == 10
    assert np.array_equal(row[0], frames(network, z, y, extra_inputs={"nudge": -2 * vectors[1:]})[0])
    assert np.array_equal(row[2], frames(network, z, y)[0])
    assert np.array_equal(row[4], frames(network, z, y, extra_inputs={"nudge": 2 * vectors[1:]})[0])


@pytest.mark.parametrize("word", ["pan", "tilt", "zoom", "roll", "brightness", "contrast"])
def test_pictures_that_were_changed_in_a_known_way_are_named_so(word: str) -> None:
    v, u = np.meshgrid(np.linspace(-1, 1, 32), np.linspace(-1, 1, 32), indexing="ij")

    def picture(k: int, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        waves = [np.sin(5 * (u * np.cos(a + k) + v * np.sin(a + k)) + a * k) for a in (0.3, 1.4, 2.9)]
        return np.stack([0.5 + 0.3 * w for w in waves], -1)

    def changed(k: int) -> np.ndarray:
        e = 0.05
        if word in ("brightness", "contrast"):
            plain = picture(k, u, v)
            return plain + e if word == "brightness" else plain + e * (plain - plain.mean())
        source = {"pan": (u - e, v), "tilt": (u, v - e), "zoom": (u * (1 - e), v * (1 - e)), "roll": (u + e * v, v - e * u)}
        return picture(k, *source[word])

    before, after = (np.stack([f(k) for k in range(6)]).astype(np.float32) for f in (lambda k: picture(k, u, v), changed))
    assert change_of(before, after) == (word, 1.0)
    assert change_of(after, before) == (word, -1.0)


def test_what_becomes_another_picture_is_no_movement_and_no_light() -> None:
    rng = np.random.default_rng(2)
    before, after = rng.random((2, 8, 32, 32, 3)).astype(np.float32)
    assert change_of(before, after)[0] == OTHERWISE


def test_the_bundled_model_gets_sliders_that_the_show_reads_and_may_be_renamed(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(on_shelf("models", "light"), tmp_path / "light"))
    small = ["--count", "1", "--samples", "66", "--classes", "sea,city"]
    options = [str(folder), *small, "--force"]  # the shelf's may have directions already
    assert CliRunner().invoke(command, options, catch_exceptions=False).exit_code == 0
    found = load_card(folder).info("torch").directions
    assert found is not None
    assert (found.space, len(found.names), found.vectors.shape[0]) == ("z", 1, 1)
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx([1], abs=1e-4)
    assert Image.open(folder / "directions.webp").size[1] == 114
    network, _ = open_model(folder)
    moved = rows(network, found, [0])[0].astype(int)
    assert np.abs(moved[0] - moved[4]).mean() > 5

    with pytest.raises(FileExistsError, match=r"expected no directions in .* yet, or --force; kept"):
        CliRunner().invoke(command, [str(folder), *small], catch_exceptions=False)
    CliRunner().invoke(command, [str(folder), "--rename", "0=storm front"], catch_exceptions=False)
    renamed = load_card(folder).load_directions()
    assert renamed is not None
    assert renamed.names == ("storm front",)
    assert np.array_equal(renamed.vectors, found.vectors)


def test_names_and_numbers_amiss_change_nothing(tmp_path: Path) -> None:
    folder = stylegan2(tmp_path / "style")
    with pytest.raises(CardError, match=r"expected directions in .*; got none yet"):
        direction_files.rename(folder, {0: "a"})
    vectors = np.random.default_rng(1).standard_normal((12, 2)).astype(np.float32).T  # as numpy may lay it out
    direction_files.save(folder, Directions("w", ("a", "b"), vectors))
    kept = load_card(folder).load_directions()
    assert kept is not None
    assert np.array_equal(kept.vectors, vectors)
    before = (folder / "model.toml").read_bytes()
    for names, message in (({2: "c"}, "from 0 to 1; got 2=c"), ({0: "b"}, "each name once"), ({0: ""}, "a name of 1 to 40")):
        with pytest.raises(ValueError, match=message):
            direction_files.rename(folder, names)
    with pytest.raises(ValueError, match="expected NUMBER=NAME"):
        CliRunner().invoke(command, [str(folder), "--rename", "sunset"], catch_exceptions=False)
    assert (folder / "model.toml").read_bytes() == before
