"""Checkpoints that were made to harm, damaged or of the wrong kind: one clear error each, at once and in little memory."""

import json
import os
import pickle
import random
import re
import struct
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import forged
import pytest
import torch
from safetensors.torch import save

from engine.studio.checkpoint.bounded_reader import CheckpointError
from engine.studio.checkpoint.detection import open_checkpoint
from engine.studio.checkpoint.importing import Order, import_checkpoint
from engine.studio.checkpoint.model_writer import blank, compare, converted

torch.set_num_threads(1)
HUGE = 64 << 30  # bytes of a file that takes no room on the disk
WHOLE = forged.nvidia_pickle(forged.network())
HEAD = b"\x80\x04"


def storage(count: int, key: str = "0") -> bytes:
    """The opcodes of a persistent id: a storage that claims so many numbers."""
    number = b"\x8a\x09" + struct.pack("<Q", count) + b"\0"
    return b"(" + forged.text("storage") + b"ctorch\nFloatStorage\n" + forged.text(key) + forged.text("cpu") + number + b"tQ"


def tensor(count: int, shape: bytes, stride: bytes) -> bytes:
    """A pickle of {"x": tensor} over that storage; shape and stride as opcodes of tuples."""
    made = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(count) + b"K\x00" + shape + stride + b"\x89}tR"
    return b"\x80\x02}" + forged.text("x") + made + b"s."


def zipped(data: bytes, numbers: bytes = bytes(16), method: int = zipfile.ZIP_STORED) -> bytes:
    """As torch.save packs a pickle and its one storage."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", numbers)
    return packed.getvalue()


def row(data: bytes, numbers: bytes) -> bytes:
    """As torch.save wrote it before 1.6."""
    first = [pickle.dumps(each, 2) for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    return b"".join(first) + data + pickle.dumps(["0"], 2) + numbers


def persistent(state: bytes) -> bytes:
    """{"G_ema": a persistent object with this state, given as opcodes}."""
    meta = b"}" + forged.text("class_name") + forged.text("Generator") + b"s" + forged.text("state") + state + b"s"
    made = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n(" + meta + b"tR"
    return b"\x80\x02}" + forged.text("G_ema") + made + b"s."


def laughing(levels: int) -> bytes:
    """Modules that each hold the one below twice: 2^levels of them to a walk that does not count."""
    inner = b"}" + b"".join(forged.text(name) + b"}s" for name in ("_parameters", "_buffers", "_modules"))
    for _ in range(levels):
        meta = b"}" + forged.text("class_name") + b"Ns" + forged.text("state") + inner + b"s"
        part = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n(" + meta + b"tR"
        both = b"}" + forged.text("a") + part + b"q\x01s" + forged.text("b") + b"h\x01s"
        inner = (
            b"}" + forged.text("_parameters") + b"}s" + forged.text("_buffers") + b"}s" + forged.text("_modules") + both + b"s"
        )
    return persistent(inner)


def itself() -> bytes:
    """A module that is its own part."""
    meta = b"}" + forged.text("class_name") + b"Ns" + forged.text("state") + b"h\x00s"
    part = b"}" + forged.text("a") + b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n(" + meta + b"tRs"
    tables = forged.text("_parameters") + b"}s" + forged.text("_buffers") + b"}s" + forged.text("_modules") + part + b"s"
    return persistent(b"}q\x00" + tables)


def copied(name: str, value: bytes) -> bytes:
    """A list of ten thousand calls, each with the same remembered value."""
    module, _, last = name.rpartition(".")
    target = b"c%s\n%s\nq\x00" % (module.encode(), last.encode())
    return b"\x80\x02](" + target + value + b"\x85q\x01" + b"h\x00h\x01R" * 10_000 + b"e."


def arrays() -> bytes:
    """A list of ten thousand small arrays of the same 64 KiB."""
    state = b"(K\x01J\0\0\1\0\x85cnumpy\ndtype\nX\x02\0\0\0u1\x85R\x89B\0\0\1\0" + bytes(1 << 16) + b"tq\x01"
    return b"\x80\x02](" + state + b"cnumpy.core.multiarray\n_reconstruct\nq\x00" + b"h\x00)Rh\x01b" * 10_000 + b"e."


BIG, ONE = b"\x8a\x06\0\0\0\0\0\1\x85", b"K\x01\x85"
NONE = b"K\x00\x85"
ENTRY = zipped(tensor(4, b"K\x04\x85", ONE))


def pickles() -> dict[str, tuple[bytes, str]]:
    """Pickles and what is said of them."""
    return {
        "a text without end": (HEAD + b"\x8d" + struct.pack("<Q", 1 << 40), "expected 1099511627776 more bytes"),
        "bytes without end": (HEAD + b"\x8e" + struct.pack("<Q", 1 << 62), "more bytes"),
        "a bytearray without end": (b"\x80\x05\x96" + struct.pack("<Q", (1 << 64) - 1), "more bytes"),
        "a frame without end": (HEAD + b"\x95" + struct.pack("<Q", 1 << 62) + b"N.", "with NoneType in it"),
        "an integer of 2 GiB": (HEAD + b"\x8b" + struct.pack("<I", (1 << 31) - 1), "integers of up to"),
        "an integer of many digits": (b"\x80\x02L" + b"9" * 100_000 + b"L\n.", "a line of at most"),
        "a memo far out": (HEAD + b"}r\xff\xff\xff\xff.", "with nothing in it"),
        "a memo that is not there": (HEAD + b"j\xff\xff\xff\xff.", "expected a pickle"),
        "lists in lists": (HEAD + b"]" * 140_000 + b"a" * 139_999 + b".", "with list in it"),
        "tuples in tuples as a key": (HEAD + b"})" + b"\x85" * 290_000 + b"Ns.", "a key that is a tuple"),
        "a tuple doubled eighty times as a key": (HEAD + b"})" + b"2\x86" * 80 + b"Ns.", "a key that is a tuple"),
        "keys of one hash": (HEAD + b"}(" + b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x1fN" * 2 + b"u.", "a key that is a int"),
        "ten million values": (HEAD + b"N" * 10_000_000 + b".", "more values and text"),
        "twenty megabytes of text": (
            HEAD + b"X" + struct.pack("<I", 20 << 20) + b"x" * (20 << 20) + b".",
            "more values and text",
        ),
        "a text taken apart again and again": (
            copied("builtins.set", b"X" + struct.pack("<I", 2 << 20) + b"x" * (2 << 20)),
            "more values and text",
        ),
        "a list copied again and again": (copied("torch.Size", b"](" + b"K\x01" * 100_000 + b"e"), "more values and text"),
        "an array copied again and again": (arrays(), "more values and text"),
        "modules doubled fifteen times": (laughing(15), "holds itself, or too many"),
        "modules doubled sixty times": (laughing(60), "holds itself, or too many"),
        "a module in itself": (itself(), "holds itself, or too many"),
        "attributes that are no tables": (persistent(b"}"), "expected _parameters"),
        "a network that is a list": (b"\x80\x02}" + forged.text("G_ema") + b"]s.", "with G_ema in it"),
        "a call of a value": (HEAD + b"K\x01)R.", "a call of what is no global"),
        "a state for a list": (HEAD + b"]Nb.", "a state for list"),
        "an opcode that is none": (HEAD + b"\xff.", "opcode 0xff"),
        "an extension": (HEAD + b"\x82\x01.", "opcode 0x82"),
        "an old instance": (b"(" + forged.text("x") + b"ios\nsystem\n.", "global os.system"),
        "a name with colours": (HEAD + b"cos\n\x1b[31mred\n.", r"global os\.\?\[31mred"),
        "a TensorFlow network": (HEAD + b"cdnnlib.tflib.network\nNetwork\n)\x81.", "legacy.py"),
        "a TensorFlow network of another kind": (HEAD + b"ctensorflow.python\nVariable\n.", "for TensorFlow"),
        "numpy objects": (forged.call("numpy.dtype", "O"), "a numpy type"),
        "a numpy array beyond memory": (
            HEAD + b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\n(U\x02f8tRC\x01x\x86R.",
            "expected a pickle",
        ),
        "nothing but a stop": (HEAD + b".", "expected a pickle"),
        "no pickle at all": (b"GIF89a" + bytes(100), "none of these"),
        "an empty file": (b"", "an empty file"),
    }


def tensors() -> dict[str, tuple[bytes, str]]:
    """Files of torch's and what is said of them."""
    inflated = tensor(1 << 60, b"K\x04\x85", ONE)
    claims = struct.pack("<Q", 1 << 60)
    return {
        "a storage larger than its entry": (zipped(inflated), "expected a storage of"),
        "a storage larger than its file": (row(inflated, claims), "more bytes"),
        "a storage of another length": (row(tensor(4, b"K\x04\x85", ONE), struct.pack("<Q", 3) + bytes(16)), "in a storage"),
        "a tensor of one number repeated": (zipped(tensor(4, BIG, NONE)), "within its storage"),
        "a tensor beyond its storage": (zipped(tensor(4, b"K\x04\x85", b"K\x02\x85")), "within its storage"),
        "a tensor of many dimensions": (zipped(tensor(4, b"(" + b"K\x01" * 99 + b"t", b"(" + b"K\x01" * 99 + b"t")), "too many"),
        "a tensor before its storage": (zipped(tensor(4, b"K\x02\x85", b"J\xff\xff\xff\xff\x85")), "to be sizes"),
        "numbers that are not there": (ENTRY.replace(b"data/0", b"data/1"), "expected the numbers 0"),
        "packed zeros": (zipped(tensor(1 << 28, BIG, ONE), bytes(1 << 20), zipfile.ZIP_DEFLATED), "which is packed"),
        "an entry larger than the file": (lying_entry(ENTRY, size=1 << 31), "was cut off or damaged|packed"),
        "an entry beyond the file": (lying_entry(ENTRY, place=1 << 31), "was cut off or damaged"),
        "a directory of many": (
            ENTRY[:-22] + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 65534, 65534, 0, 0, 0),
            "more values and text",
        ),
        "a directory far away": (
            ENTRY[:-22] + b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 2, 2, 1 << 20, 1 << 31, 0),
            "cut off or damaged",
        ),
        "a zip of something else": (plain_zip(), "no data.pkl in it"),
    }


def lying_entry(whole: bytes, size: int = 0, place: int = 0) -> bytes:
    """The zip with another size or place of its last entry, in the directory."""
    at = whole.rindex(b"PK\1\2")
    made = bytearray(whole)
    if size:
        made[at + 20 : at + 28] = struct.pack("<2I", size, size)
    if place:
        made[at + 42 : at + 46] = struct.pack("<I", place)
    return bytes(made)


def plain_zip() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "hello")
    return packed.getvalue()


def networks() -> dict[str, tuple[bytes, str]]:
    """Networks that are nearly right."""
    made = forged.network()
    with torch.no_grad():
        made.synthesis.get_submodule("b16.conv1").weight[3, 2, 1, 0] = float("nan")
    infinite = forged.rosinality_state(forged.network())
    infinite["style.2.bias"] = infinite["style.2.bias"] * float("inf")
    wide = {"to_rgbs.0.conv.weight": torch.zeros(1, 3, 17, 1, 1)}
    return {
        "a NaN": (forged.nvidia_pickle(made), "NaN or infinity in synthesis.b16.conv1.weight"),
        "an infinity": (forged.rosinality(forged.network(), **infinite), "NaN or infinity in mapping.fc1.bias"),
        "a wrong shape": (forged.rosinality(forged.network(), **wide), r"synthesis.b8.torgb.weight of shape \[3, 16, 1, 1\]"),
        "an unknown layer": (forged.rosinality(forged.network(), extra=torch.zeros(3)), "got extra"),
        "another activation": (
            forged.nvidia_pickle(forged.network(), synthesis_b8_conv1={"activation": "relu"}),
            "activation = 'lrelu'",
        ),
        "another skip": (
            forged.nvidia_pickle(forged.network(), synthesis_b8={"architecture": "resnet"}),
            "architecture = 'skip'",
        ),
        "tensors alone": (save({"a": torch.zeros(3)}), "tensors with --architecture and --config"),
    }


ALL = pickles() | tensors() | networks()
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


SPARSE = {
    "a hole of 64 GiB": (b"", "none of these"),
    "a pickle with a hole": (HEAD + b"\x8e" + struct.pack("<Q", HUGE - 100), "expected a pickle"),
    "a header of 63 GiB": (struct.pack("<Q", HUGE - 4096) + b"{", "safetensors header"),
    "a zip with a hole": (ENTRY, "zip's directory"),
}


def cut() -> dict[str, bytes]:
    """Sound files of three kinds, cut at every kilobyte, at random, and within their last bytes."""
    made, rng = forged.network(), random.Random(1)
    found = {}
    for kind, whole in (("pickle", WHOLE), ("zip", forged.rosinality(made)), ("row", forged.rosinality(made, zipped=False))):
        at = [*range(0, len(whole), 1024), *(rng.randrange(len(whole)) for _ in range(40)), *range(len(whole) - 30, len(whole))]
        found |= {f"a {kind} cut at {size}": whole[:size] for size in at}
    return found


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
                converted(found, set(), file)
            taken += 1
        except CheckpointError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}") from error
    return taken
