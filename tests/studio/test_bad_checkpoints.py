"""Checkpoints that were made to harm, damaged or of the wrong kind: one clear error each, at once and in little memory."""

import json
import os
import pickle
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import forged
import pytest
from harmful import ALL, HUGE, ONE, SPARSE, WHOLE, cut, tensor, zipped

from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.detection import open_checkpoint
from engine.studio.checkpoint.importing import Order, import_checkpoint
from engine.studio.checkpoint.model_writer import blank, compare, converted

REFUSE = """
import json, sys, time
from pathlib import Path
import torch
from engine.core.registry import lookup
from engine.studio.checkpoint.importing import Order, import_checkpoint
from engine.studio.checkpoint.bounded_reader import CheckpointError
torch.set_num_threads(1)
lookup("architecture", "stylegan2")

def most_kib():  # getrusage's ru_maxrss begins with that of the process which started this one
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1])

baseline = most_kib()
for file in sorted(Path(sys.argv[1]).iterdir()):
    began, spent, said = time.monotonic(), time.process_time(), "nothing"
    try:
        import_checkpoint(file, Order(Path(sys.argv[2]) / "model", sheet=False), print)
    except CheckpointError as error:
        said = str(error)
    row = [file.name, said, time.monotonic() - began, time.process_time() - spent, (most_kib() - baseline) / 1024]
    print(json.dumps(row), flush=True)
"""


def refused(folder: Path, out: Path) -> dict[str, tuple[str, float, float, float]]:
    """What a process of its own says of each file in `folder`, and what it cost: seconds, processor seconds, megabytes so far."""
    command = [sys.executable, "-c", REFUSE, str(folder), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert list(out.iterdir()) == []
    return {row[0]: tuple(row[1:]) for row in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float, float]]:
    """What one process says of them all, and what it cost."""
    folder = tmp_path_factory.mktemp("files")
    for name, data in ({name: data for name, (data, _) in (ALL | SPARSE).items()} | cut()).items():
        (folder / name).write_bytes(data)
    for name in SPARSE:
        os.truncate(folder / name, HUGE)
    return refused(folder, tmp_path_factory.mktemp("out"))


def test_harmful_files_are_refused_at_once_and_in_little_memory(rows: dict[str, tuple[str, float, float, float]]) -> None:
    for name, (_, reason) in (ALL | SPARSE).items():
        said, took_s, spent_s, grown_mb = rows[name]
        print(f"{name}: {took_s * 1e3:.0f} ms ({spent_s * 1e3:.0f} ms of processor), at most {grown_mb:.0f} MB so far: {said}")
        assert re.search(reason, said), f"{name}: {said}"
        assert name in said
        assert said.isprintable()
        assert spent_s < 1.0, name
        assert took_s < 10.0, name  # ten times the goal
        assert grown_mb < 256, name


def test_a_file_cut_anywhere_is_refused(rows: dict[str, tuple[str, float, float, float]]) -> None:
    parts = {name: row for name, row in rows.items() if " cut at " in name}
    assert len(parts) > 300
    for name, (said, took_s, spent_s, _) in parts.items():
        assert said.startswith("expected "), f"{name}: {said}"
        assert name in said
        assert spent_s < 1.0, name
        assert took_s < 10.0, name


@pytest.mark.parametrize(
    "name", ["os.system", "builtins.eval", "torch.load", "torch._utils._rebuild_tensor_v3", "numpy.load", "a.b"]
)
def test_an_unknown_global_is_refused_by_name_and_not_called(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "it ran"
    for number, data in enumerate((forged.call(name, f"touch '{mark}'"), zipped(forged.call(name, f"touch '{mark}'")))):
        (tmp_path / f"{number}.pkl").write_bytes(data)
        with pytest.raises(CheckpointError, match=rf"got the global {name}: nothing was run"):
            import_checkpoint(tmp_path / f"{number}.pkl", Order(tmp_path / "model"), print)
    assert not mark.exists()


def test_the_pickle_of_these_tests_is_armed(tmp_path: Path) -> None:
    pickle.loads(forged.call("os.system", f"touch '{tmp_path}/it ran'"))
    assert (tmp_path / "it ran").exists()


def test_folders_without_a_network_are_refused_in_words(tmp_path: Path) -> None:
    cases: dict[str, tuple[Any, Any, str]] = {
        "no configuration": (None, b"x", "without such files"),
        "no json": ("{", b"x", "expected a configuration"),
        "no BigGAN": ("{}", zipped(tensor(4, b"K\x04\x85", ONE)), "a BigGAN-deep"),
        "a large configuration": (" " * (2 << 20), zipped(tensor(4, b"K\x04\x85", ONE)), "at most 1048576 bytes"),
    }
    for name, (config, data, said) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        if config is not None:
            (folder / "config.json").write_text(config)
        (folder / "pytorch_model.bin").write_bytes(data)
        if data == b"x":
            said = "without such files" if config is None else "none of these"
        with pytest.raises(CheckpointError, match=said):
            import_checkpoint(folder, Order(tmp_path / "model"), print)
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "no plain file"), (tmp_path / "nowhere", "no such file")):
        with pytest.raises(CheckpointError, match=said):
            import_checkpoint(path, Order(tmp_path / "model"), print)


def test_a_file_changed_at_random_is_taken_or_refused_in_words(tmp_path: Path) -> None:
    break_at_random(tmp_path, 1, 150)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_thousand_changed_files(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**31)
    print(f"seed {seed}: {break_at_random(tmp_path, seed, 20_000)} were taken")


def break_at_random(folder: Path, seed: int, count: int) -> int:
    """Import files with a few bytes changed; how many were taken all the same."""
    rng = random.Random(seed)
    made = forged.network()
    wholes = (WHOLE, forged.rosinality(made), forged.rosinality(made, zipped=False))
    taken = 0
    for number in range(count):
        data = bytearray(rng.choice(wholes))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data)) if rng.random() < 0.5 else rng.randrange(4096)
            if rng.random() < 0.5:
                data[at] = rng.randrange(256)
            else:
                del data[at : at + rng.randint(1, 8)]
        (folder / "file").write_bytes(data)
        try:
            with open_checkpoint(folder / "file") as (found, file):
                network = blank(found, file)
                compare(found, network, file)
                converted(found, file)
            taken += 1
        except CheckpointError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}") from error
    return taken
