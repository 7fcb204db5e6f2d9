"""Checkpoints of all kinds become models that draw what their source draws, and nothing in a file ever runs."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forged
import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.generators.stylegan3 import StyleGAN3
from engine.runtime.card import load_card
from engine.studio import card_file
from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.detection import Given
from engine.studio.checkpoint.importing import Order, import_checkpoint
from engine.studio.checkpoint.safetensors_file import read_config
from engine.studio.drawing import open_model

torch.set_num_threads(1)
ROOT = Path(__file__).parents[2]


def take(source: Path, folder: Path, **changes: Any) -> Any:
    """Import, and open what came of it."""
    import_checkpoint(source, Order(folder, **({"sheet": False} | changes)), lambda said: None)
    return open_model(folder)[0]


def near(one: torch.Tensor, other: torch.Tensor, relative: float) -> bool:
    return float((one - other).abs().max()) < relative * float(other.std())


SOURCES: dict[str, Callable[[Any], bytes]] = {
    "nvidia": forged.nvidia_pickle,
    "nvidia, protocol 3": lambda made: forged.nvidia_pickle(made, protocol=3),
    "rosinality": forged.rosinality,
    "rosinality of before": lambda made: forged.rosinality(made, zipped=False),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("half", [False, True])
def test_a_stylegan2_draws_what_its_source_draws(tmp_path: Path, kind: str, half: bool) -> None:
    made = forged.network(conv_clamp=0.0 if "rosinality" in kind else 256.0)
    (tmp_path / "source").write_bytes(SOURCES[kind](made))
    ours = take(tmp_path / "source", tmp_path / "model", half=half)
    assert near(forged.drawn(ours), forged.drawn(made), 0.02 if half else 1e-5)
    stored = load_file(tmp_path / "model" / "weights.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16 if half else torch.float32}


@pytest.mark.parametrize("kind", ["t", "r"])
def test_a_stylegan3_draws_what_its_source_draws(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(4)
    made = StyleGAN3.from_config({**forged.SMALL, "channel_base": 256, "kind": kind}).eval()
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_three(made, kind == "r"))
    ours = take(tmp_path / "source.pkl", tmp_path / "model", half=False)
    assert near(forged.drawn(ours), forged.drawn(made), 1e-5)
    assert load_card(tmp_path / "model").config["kind"] == kind
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_three(made, kind == "t"))
    with pytest.raises(CheckpointError, match="down_radial"):
        take(tmp_path / "source.pkl", tmp_path / "other")


class Grey:
    """A network of one channel: what draws its picture, in `last`, has lost the other two, which were the same."""

    def __init__(self, made: Any, last: str) -> None:
        self.made, self.last = made, last
        with torch.no_grad():
            for name, tensor in made.state_dict().items():
                if name.endswith((f"{last}.weight", f"{last}.bias")):
                    tensor.copy_(tensor[:1].expand_as(tensor).clone())

    def state_dict(self) -> dict[str, torch.Tensor]:
        ends = (f"{self.last}.weight", f"{self.last}.bias")
        return {name: tensor[:1].clone() if name.endswith(ends) else tensor for name, tensor in self.made.state_dict().items()}


@pytest.mark.parametrize("half", [False, True])
def test_a_stylegan2_of_one_channel_is_drawn_in_grey(tmp_path: Path, half: bool) -> None:
    made = forged.network()
    grey = Grey(made, "torgb")
    assert grey.state_dict()["synthesis.b16.torgb.weight"].shape[0] == 1
    told = {f"synthesis_b{size}": {"img_channels": 1} for size in (4, 8, 16)}
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(grey, **told))
    drawn = forged.drawn(take(tmp_path / "source.pkl", tmp_path / "model", half=half))
    assert near(drawn, forged.drawn(made), 0.02 if half else 1e-5)
    assert drawn.shape[1] == 3
    assert float((drawn - drawn[:, :1]).abs().max()) == 0.0


@pytest.mark.parametrize("kind", ["t", "r"])
def test_a_stylegan3_of_one_channel_is_drawn_in_grey(tmp_path: Path, kind: str) -> None:
    torch.manual_seed(4)
    made = StyleGAN3.from_config({**forged.SMALL, "channel_base": 256, "kind": kind}).eval()
    last = next(name for name in made.state_dict() if ".L14_" in name).rpartition(".")[0]
    grey = Grey(made, last.removesuffix(".affine"))
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_three(grey, kind == "r"))
    ours = take(tmp_path / "source.pkl", tmp_path / "model", half=False)
    assert near(forged.drawn(ours), forged.drawn(made), 1e-5)


def test_other_numbers_of_channels_are_refused(tmp_path: Path) -> None:
    made = forged.network()
    tensors = {
        name: tensor.repeat(2, 1, 1, 1)[:4] if name.endswith("torgb.weight") else tensor
        for name, tensor in made.state_dict().items()
    }
    four = type("Four", (), {"state_dict": lambda self: tensors})()
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(four))
    with pytest.raises(CheckpointError, match=r"expected synthesis.b4.torgb.weight of shape \[3, 16, 1, 1\]"):
        take(tmp_path / "source.pkl", tmp_path / "model")


@pytest.mark.parametrize("text", ['{"config": {"classes": 3}}', "[config]\nclasses = 3\n", "classes = 3\n"])
def test_a_byte_order_mark_is_no_part_of_settings(tmp_path: Path, text: str) -> None:
    file = tmp_path / ("settings.json" if text.startswith("{") else "settings.toml")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_config(file) == {"classes": 3}


def test_a_conditional_network_keeps_its_classes(tmp_path: Path) -> None:
    made = forged.network(c_dim=4)
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made))
    (tmp_path / "names.txt").write_text("fire\nwater\n\nearth\nair\n")
    ours = take(tmp_path / "source.pkl", tmp_path / "model", half=False, classes=tmp_path / "names.txt")
    assert near(forged.drawn(ours), forged.drawn(made), 1e-5)
    assert load_card(tmp_path / "model").classes == ("fire", "water", "earth", "air")
    take(tmp_path / "source.pkl", tmp_path / "other")
    assert load_card(tmp_path / "other").classes == ("class 0", "class 1", "class 2", "class 3")
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbffire\r\nwater\r\nearth\r\nair\r\n")  # as Windows' editor writes it
    take(tmp_path / "source.pkl", tmp_path / "marked", classes=tmp_path / "names.txt")
    assert load_card(tmp_path / "marked").classes == ("fire", "water", "earth", "air")
    (tmp_path / "names.txt").write_text("fire\nwater\n")
    with pytest.raises(CheckpointError, match=r"expected 4 classes, one a line, in .*names\.txt; got 2"):
        take(tmp_path / "source.pkl", tmp_path / "third", classes=tmp_path / "names.txt")
    (tmp_path / "names.txt").write_bytes(b"caf\xe9\n" * 4)
    with pytest.raises(CheckpointError, match=r"expected names in UTF-8 in .*names\.txt"):
        take(tmp_path / "source.pkl", tmp_path / "third", classes=tmp_path / "names.txt")
    assert not (tmp_path / "third").exists()


def test_rosinality_without_a_mean_of_w_is_given_one(tmp_path: Path) -> None:
    made = forged.network(conv_clamp=0.0)
    with torch.no_grad():
        made.mapping.w_avg.copy_(made.mapping.style(torch.randn(20_000, 16), torch.zeros(1, 1)).mean(0))
    (tmp_path / "source.pt").write_bytes(forged.rosinality(made, mean=False))
    ours = take(tmp_path / "source.pt", tmp_path / "model", half=False)
    assert float((ours.mapping.w_avg - made.mapping.w_avg).abs().max()) < 0.1
    assert float(made.mapping.w_avg.abs().max()) > 0.2


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.safetensors"])
def test_a_hugging_face_folder_draws_what_its_source_draws(tmp_path: Path, file: str) -> None:
    port = pytest.importorskip("pytorch_pretrained_biggan")
    layers = [[False, 16, 16], [True, 16, 8], [False, 8, 8], [True, 8, 4], [True, 4, 2], [False, 2, 1]]
    config = port.BigGANConfig(32, 16, 16, 8, 10, layers, 3)
    torch.manual_seed(2)
    theirs = port.BigGAN(config)
    with torch.no_grad():
        theirs.generator.bn.weight.normal_(1, 0.3)
        theirs.generator.bn.bias.normal_(0, 0.3)
        theirs.generator.layers[3].gamma.fill_(0.7)
        for _ in range(5):
            theirs.train()(torch.randn(1, 16), torch.eye(10)[:1], 1.0)
        z, y = torch.randn(2, 16).clamp(-2, 2), torch.eye(10)[[2, 7]]
        goal = theirs.eval()(z, y, 1.0)
    state = {key: tensor.clone() for key, tensor in theirs.state_dict().items()}
    folder = forged.model(tmp_path / "biggan", file, b"", config.to_dict())
    torch.save(state, folder / file) if file.endswith("bin") else save_file(state, folder / file)
    ours = take(folder, tmp_path / "model", half=False)
    with torch.no_grad():
        assert near(ours(z, y, torch.ones(2, 1), torch.zeros(2, 1)), goal, 1e-4)
    take(folder, tmp_path / "small")
    assert load_file(tmp_path / "small" / "weights.safetensors")["bn.variances"].dtype == torch.float32


def test_a_model_of_ours_comes_through_as_it_was_and_so_do_tensors_with_settings(tmp_path: Path) -> None:
    made = forged.network()
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made))
    take(tmp_path / "source.pkl", tmp_path / "first", half=False, licence="CC0-1.0")
    again = take(tmp_path / "first", tmp_path / "second", half=False)
    assert torch.equal(forged.drawn(again), forged.drawn(open_model(tmp_path / "first")[0]))
    assert tomllib.loads((tmp_path / "second" / "model.toml").read_text())["licence"] == "CC0-1.0"
    alone = tmp_path / "first" / "weights.safetensors"
    (tmp_path / "settings.json").write_text(json.dumps(forged.SMALL))
    for config in (tmp_path / "settings.json", tmp_path / "first" / "model.toml"):
        other = take(alone, tmp_path / config.stem, half=False, given=Given("stylegan2", config))
        assert torch.equal(forged.drawn(other), forged.drawn(again))
    with pytest.raises(CheckpointError, match="tensors with --architecture and --config"):
        take(alone, tmp_path / "third")


def test_the_card_says_where_it_comes_from_and_the_sheet_shows_it(tmp_path: Path) -> None:
    made = forged.network(c_dim=3)
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made))
    take(tmp_path / "source.pkl", tmp_path / "mine", sheet=True)
    card = tomllib.loads((tmp_path / "mine" / "model.toml").read_text())
    done = subprocess.run(["sha256sum", str(tmp_path / "source.pkl")], capture_output=True, text=True, check=True)
    source = {"kind": "NVIDIA StyleGAN2", "file": "source.pkl", "sha256": done.stdout.split()[0], "precision": "half"}
    assert card["source"] == source
    assert (card["name"], card["licence"]) == ("mine", "unknown: fill in")
    assert card["params"] == sum(parameter.numel() for parameter in made.parameters())
    assert card["extra_inputs"]["grain"] == [3]
    assert card["gmac"] > 0
    from PIL import Image

    with Image.open(tmp_path / "mine" / "samples.webp") as sheet:
        assert sheet.width > 8 * 160
        assert sheet.height > 3 * 160
    assert os.stat(tmp_path / "mine").st_mode & 0o777 == 0o777 & ~_umask()
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "mine").iterdir()} == {0o666 & ~_umask()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_model_is_in_its_place_before_its_sheet_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def interrupted(folder: Path) -> None:
        seen.append((folder / "model.toml").is_file())
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.studio.checkpoint.importing.draw_sheet", interrupted)
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(forged.network(conv_clamp=256.0)))
    with pytest.raises(KeyboardInterrupt):
        take(tmp_path / "source.pkl", tmp_path / "model", sheet=True)
    assert seen == [True]
    assert load_card(tmp_path / "model").name == "model"


def test_an_import_that_is_stopped_leaves_nothing_and_clears_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / ".model.old", tmp_path / ".model.new"
    for left in (old, new):
        left.mkdir()
        (left / "weights.safetensors").write_bytes(b"half")
    os.utime(old, (1.0, 1.0))

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.studio.checkpoint.importing.save_file", interrupted)
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(forged.network(conv_clamp=256.0)))
    with pytest.raises(KeyboardInterrupt):
        take(tmp_path / "source.pkl", tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".model.new", "source.pkl"]


def test_nothing_is_overwritten_unless_asked_and_then_only_the_models_own_files(tmp_path: Path) -> None:
    (tmp_path / "one.pkl").write_bytes(forged.nvidia_pickle(forged.network(1)))
    (tmp_path / "two.pkl").write_bytes(forged.nvidia_pickle(forged.network(2)))
    first = forged.drawn(take(tmp_path / "one.pkl", tmp_path / "model"))
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="give --force"):
        take(tmp_path / "two.pkl", tmp_path / "model")
    assert torch.equal(forged.drawn(open_model(tmp_path / "model")[0]), first)
    second = forged.drawn(take(tmp_path / "two.pkl", tmp_path / "model", force=True))
    assert not torch.equal(second, first)
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "one.pkl", "two.pkl"]


def test_half_precision_that_would_be_seen_stays_float32_and_the_card_says_so(tmp_path: Path) -> None:
    made, said = forged.network(conv_clamp=256.0), list[str]()
    for name, tensor in made.state_dict().items():
        if name.endswith("torgb.weight"):
            tensor.mul_(100.0)  # so much contrast that the steps of half precision are levels
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made))
    order = Order(tmp_path / "model", sheet=False)
    import_checkpoint(tmp_path / "source.pkl", order, said.append)
    stored = load_file(tmp_path / "model" / "weights.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float32}
    assert any("stay float32: half precision costs" in line for line in said)
    assert "costs" in card_file.read(tmp_path / "model")["source"]["precision"]
    plain = forged.network(conv_clamp=256.0)
    (tmp_path / "plain.pkl").write_bytes(forged.nvidia_pickle(plain))
    take(tmp_path / "plain.pkl", tmp_path / "plain")
    assert card_file.read(tmp_path / "plain")["source"]["precision"] == "half"


def test_values_beyond_half_precision_stay_float32(tmp_path: Path) -> None:
    made = forged.network()
    with torch.no_grad():
        made.synthesis.get_submodule("b8.conv0").affine.weight[0, 0] = 1e5
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made))
    said: list[str] = []
    import_checkpoint(tmp_path / "source.pkl", Order(tmp_path / "model", sheet=False), said.append)
    stored = load_file(tmp_path / "model" / "weights.safetensors")
    assert [name for name, tensor in stored.items() if tensor.dtype == torch.float32] == ["synthesis.b8.conv0.affine.weight"]
    assert said[1:] == ["synthesis.b8.conv0.affine.weight stays float32: its values are beyond half precision"]


def test_source_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    canary = tmp_path / "it ran"
    source = f"open({str(canary)!r}, 'w')\nclass Generator: pass\nclass Layer: pass\n"
    made = forged.network()
    (tmp_path / "source.pkl").write_bytes(forged.nvidia_pickle(made, source))
    ours = take(tmp_path / "source.pkl", tmp_path / "model", half=False)
    assert near(forged.drawn(ours), forged.drawn(made), 1e-5)
    assert not canary.exists()
    exec(source, {})
    assert canary.exists()


def test_the_command_ends_a_refusal_with_one_line_and_exit_code_two(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(forged.call("os.system", f"touch {tmp_path}/ran"))
    (tmp_path / "good.pkl").write_bytes(forged.nvidia_pickle(forged.network()))
    command = [sys.executable, "-m", "engine.cli", "import"]
    done = subprocess.run(
        [*command, str(tmp_path / "bad.pkl"), "-o", str(tmp_path / "model")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "got the global os.system: nothing was run" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert not (tmp_path / "ran").exists()
    done = subprocess.run(
        [*command, str(tmp_path / "good.pkl"), "-o", str(tmp_path / "model"), "--no-sheet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    load_card(tmp_path / "model")
    assert done.stdout.splitlines()[-1].endswith(f" is a model now; play it: clavilux play --model {tmp_path / 'model'}")
