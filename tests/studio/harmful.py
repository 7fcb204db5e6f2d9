"""Checkpoints that were made to harm, damaged or of the wrong kind, and the words that refuse each."""

import pickle
import random
import struct
import zipfile
from io import BytesIO

import forged
import torch
from safetensors.torch import save

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
