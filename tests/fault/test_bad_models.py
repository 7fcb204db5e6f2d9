"""Rows 21 and 22: models that were made to harm are refused, at once, in words, and nothing of them runs."""

import hashlib
import json
import os
import pickle
import random
import re
import secrets
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from engine.runtime.card import CARD_LIMIT, HEADER_LIMIT, CardError, load_card
from engine.runtime.worker.process import GeneratorProcess

HUGE = 64 << 30  # bytes of a file that takes no room on the disk
CARD = """
name = "bad"
architecture = "light"
classes = ["one", "two"]
z_size = 4
noise_shape = [1, 2, 2]
resolution = [32, 16]

[config]
width = 3

[[weights]]
file = "{file}"
sha256 = "{sha256}"
bytes = {bytes}
"""


def write_model(folder: Path, data: bytes, file: str = "weights.safetensors", card: str = CARD, size: int = 0) -> Path:
    """A model whose card tells the truth about its weights; with `size`, they are filled up to it with a hole."""
    folder.mkdir()
    (folder / file).write_bytes(data)
    if size:
        os.truncate(folder / file, size)
    sha256 = "0" * 64 if size else hashlib.sha256(data).hexdigest()
    (folder / "model.toml").write_text(card.format(file=file, sha256=sha256, bytes=size or len(data)))
    return folder


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


class Hostile:
    """Unpickled, it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def checkpoint(kind: str, mark: Path) -> bytes:
    """A pickle as pretrained networks come: plain, or as torch.save zips it."""
    data = pickle.dumps({"G_ema": Hostile(mark)})
    if kind == "plain":
        return data
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
    return packed.getvalue()


@pytest.mark.parametrize("runtime", ["openvino", "torch"])
@pytest.mark.parametrize("kind", ["plain", "zipped"])
@pytest.mark.parametrize("file", ["weights.safetensors", "weights.pt", "network.pkl"])
def test_a_hostile_pickle_is_refused_with_the_reason_and_its_code_never_runs(
    tmp_path: Path, kind: str, file: str, runtime: str
) -> None:
    mark = tmp_path / "it ran"
    folder = write_model(tmp_path / "model", checkpoint(kind, mark), file)
    reason = r"expected \[\[weights\]\] with file" if file != "weights.safetensors" else "expected a safetensors header"
    for refused in (lambda: GeneratorProcess(folder, runtime), lambda: load_card(folder, verify=False).load()):
        with pytest.raises(CardError, match=reason):
            refused()
    command = [sys.executable, "-m", "engine.cli", "render", "--assets", str(tmp_path), "--model", "model"]
    if (runtime, kind) == ("torch", "zipped"):
        (tmp_path / "models").mkdir()
        folder.rename(tmp_path / "models" / "model")
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 2
        assert "expected" in done.stderr
        assert "Traceback" not in done.stderr
    assert not mark.exists()


def test_the_pickle_of_these_tests_is_armed(tmp_path: Path) -> None:
    for kind in ("plain", "zipped"):
        mark = tmp_path / kind
        data = checkpoint(kind, mark)
        if kind == "zipped":
            data = zipfile.ZipFile(BytesIO(data)).read("archive/data.pkl")
        pickle.loads(data)
        assert mark.exists()


DEEP, SOME = b"[" * (HEADER_LIMIT - 2), bytes(16)
WEIGHTS: dict[str, tuple[bytes, int, str]] = {  # what the file holds, its size if it goes on as a hole, what is said
    "a header of 63 GiB": ((HUGE - 4096).to_bytes(8, "little"), HUGE, "header of at most"),
    "a header beyond the end": ((2**63).to_bytes(8, "little") + b"{}", 0, "header of at most"),
    "a header nested deeply": (safetensors(DEEP), 0, "header of JSON"),
    "a number of many digits": (safetensors(b'{"a":' + b"9" * 100_000 + b"}"), 0, "header of JSON"),
    "data without a name": (safetensors({"a": tensor([4], 0, 16)}), HUGE, "which its header does not name"),
    "a shape too small for its data": (safetensors({"a": tensor([4], 0, 1 << 35)}), HUGE, "type or shape"),
    "a shape that overflows": (safetensors({"a": tensor([1 << 33, 1 << 33], 0, 16)}, SOME), 0, "type or shape"),
    "a shape that wraps to its data": (safetensors({"a": tensor([1 << 62, 4], 0, 0)}), 0, "type or shape"),
    "a shape of many dimensions": (safetensors({"a": tensor([2] * 100_000, 0, 16)}, SOME), 0, "type or shape"),
    "a shape below zero": (safetensors({"a": tensor([-2, -2], 0, 16)}, SOME), 0, "type or shape"),
    "tensors that overlap": (safetensors({"a": tensor([4], 0, 16), "b": tensor([2], 8, 16)}, SOME), 0, "overlap"),
    "a tensor before the data": (safetensors({"a": tensor([4], -16, 0)}, SOME), 0, "overlap"),
    "offsets that are texts": (safetensors({"a": tensor([4], "0", "16")}, SOME), 0, "expected"),  # type: ignore[arg-type]
    "NaN weights": (save({"a": np.array([1.0, np.nan], np.float16)}), 0, "NaN or infinity in a"),
}
SOUND = save({"a": np.arange(6, dtype=np.float32)})
CARDS = {
    "a wrong hash": (CARD.replace("{sha256}", "f" * 64), "expected sha256 f{64}"),
    "a wrong size": (CARD.replace("{bytes}", "7"), "expected 7 bytes"),
    "a huge card": ("# " + "x" * CARD_LIMIT, "card of at most"),
    "a card nested deeply": ("config = " + "[" * 50_000, "expected a model's card"),
    "a card of many digits": ("z_size = " + "9" * 50_000, "expected a model's card"),
    "a latent beyond memory": (CARD.replace("z_size = 4", f"z_size = {10**12}"), "z_size up to"),
    "noise beyond memory": (CARD.replace("[1, 2, 2]", "[60000, 60000, 60000]"), "noise_shape of up to"),
    "a picture beyond memory": (CARD.replace("[32, 16]", "[65536, 65536]"), "resolution = "),
}


def liars(folder: Path) -> dict[str, tuple[Path, str]]:
    """Models that lie, and what is said about them."""
    found = {name: (write_model(folder / name, data, size=size), says) for name, (data, size, says) in WEIGHTS.items()}
    found |= {name: (write_model(folder / name, SOUND, card=card), says) for name, (card, says) in CARDS.items()}
    pipe = write_model(folder / "a card that is a pipe", SOUND)
    (pipe / "model.toml").unlink()
    os.mkfifo(pipe / "model.toml")
    return found | {pipe.name: (pipe, "no plain file")}


REFUSE = """
import json, sys, time
from pathlib import Path
from engine.runtime.card import CardError, load_card

def most_kib():  # getrusage's ru_maxrss begins with that of the process which started this one
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1])

baseline = most_kib()
for folder in sys.argv[1:]:
    began, spent, said = time.monotonic(), time.process_time(), "nothing"
    try:
        load_card(Path(folder)).load()
    except CardError as error:
        said = str(error)
    row = [said, time.monotonic() - began, time.process_time() - spent, (most_kib() - baseline) / 1024]
    print(json.dumps(row), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_models_that_lie_are_refused_at_once_and_without_reading_what_they_claim(tmp_path: Path) -> None:
    models = liars(tmp_path)
    command = [sys.executable, "-c", REFUSE, *(str(folder) for folder, _ in models.values())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for (name, (folder, reason)), (said, took_s, spent_s, grown_mb) in zip(models.items(), rows, strict=True):
        print(f"{name}: refused in {took_s * 1e3:.1f} ms, at most {grown_mb:.0f} MB so far")
        assert re.search(reason, said), f"{name}: {said}"
        assert str(folder) in said
        assert spent_s < 1.0, name
        assert took_s < 10.0, name  # ten times the goal
        assert grown_mb < 256, name


def broken(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, lost, doubled or moved, the header's first of all."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(changed), 300) if rng.random() < 0.8 else len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 20)]
        elif kind == 2:
            changed[at:at] = rng.choice([b"[", b"]", b"0", b"9" * 30, b'"', b"-", b"1e99", b"{}", b",", b"null", b"\0", b"\xff"])
        else:
            digits = [place for place, byte in enumerate(changed[:300]) if 48 <= byte <= 57]
            changed[rng.choice(digits) if digits else at] = rng.choice(b"0123456789")
    return bytes(changed)


def break_models(folder: Path, seed: int, count: int) -> int:
    """Load broken weights whose hash is right; how many were sound all the same."""
    rng = random.Random(seed)
    whole = save({"a": np.ones((3, 4), np.float32), "b": np.zeros(5, np.float16), "c": np.arange(7, dtype=np.int8)})
    taken = 0
    for number in range(count):
        data = broken(whole, rng)
        (folder / "weights.safetensors").write_bytes(data)
        text = CARD.format(file="weights.safetensors", sha256=hashlib.sha256(data).hexdigest(), bytes=max(len(data), 1))
        (folder / "model.toml").write_text(text)
        try:
            tensors = load_card(folder).load()
        except CardError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}: {data[:300]!r}") from error
        taken += 1
        assert all(np.isfinite(array).all() for array in tensors.values())
    return taken


def test_weights_broken_at_random_are_loaded_whole_or_refused_in_words(tmp_path: Path) -> None:
    taken = break_models(tmp_path, 1, 500)
    assert 0 < taken < 250


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_broken_weights(tmp_path: Path) -> None:
    seed = secrets.randbelow(2**31)
    print(f"seed {seed}: {break_models(tmp_path, seed, 100_000)} were sound all the same")
