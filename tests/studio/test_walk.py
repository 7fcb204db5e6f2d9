"""Loops through a random StyleGAN2: closed, of the length asked for, in every form; and through the bundled model's classes."""

from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("torch")
from click.testing import CliRunner
from PIL import Image
from tiny import stylegan2

from engine.commands.walk import command
from engine.core.network import Network
from engine.studio import loops
from engine.studio.drawing import frames, open_model, weights


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stylegan2(tmp_path_factory.mktemp("walk") / "style", c_dim=3)


@pytest.fixture(scope="module")
def network(style: Path) -> Network:
    return open_model(style)[0]


def gaps(network: Network, track: loops.Track) -> np.ndarray:
    """How far each frame is from the next, and the last from the first."""
    drawn = np.concatenate(list(track.draw(network, range(len(track)), 1.0))).astype(float)
    return np.abs(drawn - np.roll(drawn, -1, 0)).mean((1, 2, 3))


@pytest.mark.parametrize("via", ["z", "w"])
def test_the_end_flows_into_the_beginning(network: Network, via: str) -> None:
    if via == "z":
        track = loops.through_z(network, [0, 2], 60, 1, 20.0)
    else:
        track = loops.through_w(network, [0, 2], 60, 1, 20.0, 0.8)
    steps = gaps(network, track)
    assert steps.min() > 0
    assert steps[-1] < 2 * np.median(steps)


def test_a_longer_loop_keeps_its_pace(network: Network) -> None:
    short, long = (loops.through_z(network, [0], 30 * s, 2, 1.0 * s).z for s in (10, 40))
    paces = [np.linalg.norm(np.diff(z, axis=0), axis=1).mean() for z in (short, long)]
    assert paces[1] == pytest.approx(paces[0], rel=0.3)


def test_a_loop_in_w_passes_through_styles_as_the_network_itself_maps_them(network: Network) -> None:
    track = loops.through_w(network, [1], 40, 3, 2 * np.pi, 0.7)
    knot = 10  # of four, the second
    from engine.studio.drawing import latents

    z = latents(network, 4, 3)[1:2]
    plain = frames(network, z, weights(network, {1: 1.0}, 1), truncation=0.7)
    drawn = next(track.draw(network, [knot], 1.0))
    assert np.abs(plain.astype(int) - drawn).max() <= 1


def test_classes_pass_in_turn_and_shares_sum_to_one(network: Network) -> None:
    y = loops.crossing(network, [2, 0], 40)
    assert np.allclose(y.sum(1), 1)
    assert y[0].tolist() == [0, 0, 1]
    assert y[20].tolist() == [1, 0, 0]
    assert y[10] == pytest.approx([0.5, 0, 0.5])


def test_a_film_a_moving_picture_and_a_strip_are_written(style: Path, tmp_path: Path) -> None:
    options = ["--seconds", "1.5", "--fps", "20", "--class", "0", "--class", "2"]
    for ending in ("mp4", "webp", "png"):
        done = CliRunner().invoke(command, [str(style), "-o", str(tmp_path / f"a.{ending}"), *options], catch_exceptions=False)
        assert "1.5 s, 30 frames" in done.output
    with av.open(str(tmp_path / "a.mp4")) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == 20
    assert len(shown) == 30
    assert shown[0].shape == (32, 32, 3)
    with Image.open(tmp_path / "a.webp") as moving:
        assert (moving.n_frames, moving.info["loop"], moving.size) == (30, 0, (32, 32))
    assert Image.open(tmp_path / "a.png").size == (8 * 34, 3 * 34)


def test_a_film_that_cannot_be_written_is_told(style: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OSError, match=r"folder\.mp4"):
        CliRunner().invoke(command, [str(style), "-o", str(tmp_path / "folder.mp4")], catch_exceptions=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["light", "-o", "a.gif"], "expected a file ending in .mp4.*; got a.gif"),
        (["light", "-o", "a.png", "--via", "w"], "expected an architecture with styles w .*; got Light"),
        (["light", "-o", "a.png", "--class", "c"], "expected a class of the model"),
    ],
)
def test_mistakes_are_told(options: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        CliRunner().invoke(command, options, catch_exceptions=False)
    assert not list(tmp_path.iterdir())
