import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.card import HEADER_LIMIT, CardError, load_card
from engine.studio import card_file

CARD = """
name = "small"
architecture = "light"
classes = ["one", "two"]
z_size = 4
noise_shape = [1, 2, 2]
resolution = [32, 16]

[config]
width = 3

[[weights]]
file = "weights.safetensors"
sha256 = "{sha256}"
bytes = {bytes}
"""


def write_model(folder: Path, data: bytes, card: str = CARD) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "weights.safetensors").write_bytes(data)
    (folder / "model.toml").write_text(card.format(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)))
    return folder


def safetensors(header: dict | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def good() -> bytes:
    return safetensors({"a": entry([2, 2], 0, 16)}, np.arange(4, dtype="<f4").tobytes())


def test_a_byte_order_mark_is_no_part_of_a_card(tmp_path: Path) -> None:
    file = write_model(tmp_path / "small", good()) / "model.toml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_card(tmp_path / "small").classes == ("one", "two")
    assert card_file.read(tmp_path / "small")["name"] == "small"


BAD = {
    "no header at all": (b"\x05", "safetensors header"),
    "a huge header": (safetensors(b" " * (HEADER_LIMIT + 1)), "safetensors header of at most"),
    "a header beyond the end": ((1 << 62).to_bytes(8, "little") + b"{}", "safetensors header of at most"),
    "a header that is not JSON": (safetensors(b"[1, 2"), "header of JSON"),
    "a header nested deeply": (safetensors(b"[" * (HEADER_LIMIT - 1)), "header of JSON"),
    "tensors that overlap": (safetensors({"a": entry([4], 0, 16), "b": entry([4], 8, 24)}, b"\0" * 24), "overlap"),
    "a shape that overflows": (safetensors({"a": entry([1 << 40, 1 << 40], 0, 16)}, b"\0" * 16), "well-formed"),
    "a shape of another size": (safetensors({"a": entry([5], 0, 16)}, b"\0" * 16), "well-formed"),
    "data cut short": (safetensors({"a": entry([4], 0, 16)}, b"\0" * 8), "well-formed"),
    "an unknown type": (safetensors({"a": entry([4], 0, 16, "Q9")}, b"\0" * 16), "well-formed"),
    "NaN": (safetensors({"a": entry([4], 0, 16)}, np.array([0, 1, np.nan, 2], "<f4").tobytes()), "NaN or infinity in a"),
    "infinity": (
        safetensors({"a": entry([4], 0, 8, "F16")}, np.array([0, 1, np.inf, 2], "<f2").tobytes()),
        "NaN or infinity in a",
    ),
}


def test_the_bundled_model_is_whole(card):
    assert len(card.classes) == 12
    assert card.resolution == (256, 256)
    info = card.info("torch")
    assert info.name == str(card.folder)  # a copy that is on no shelf
    assert (card.name, info.runtime, info.z_size, info.class_names) == ("light", "torch", card.z_size, card.classes)
    tensors = card.load()
    assert tensors["memory"].dtype == np.int8


def test_a_card_is_read_with_its_config_and_sizes(tmp_path):
    card = load_card(write_model(tmp_path / "m", good()))
    assert card.config == {"width": 3}
    assert card.info("openvino").resolution == (32, 16)
    assert card.noise_shape == (1, 2, 2)
    assert card.load()["a"].tolist() == [[0, 1], [2, 3]]


def test_a_type_that_numpy_lacks_is_named(tmp_path):
    data = safetensors({"a": entry([2], 0, 4, "BF16")}, b"\x80\x3f\x00\x40")
    with pytest.raises(CardError, match="bfloat16"):
        load_card(write_model(tmp_path / "m", data)).load()


def test_one_changed_byte_is_found(tmp_path):
    folder = write_model(tmp_path / "m", good())
    changed = bytearray(good())
    changed[-1] ^= 1
    (folder / "weights.safetensors").write_bytes(changed)
    with pytest.raises(CardError, match=r"expected sha256 .* of .*weights.safetensors; got .* changed or damaged"):
        load_card(folder)
    assert load_card(folder, verify=False).name == "small"
    with pytest.raises(CardError, match="sha256"):
        load_card(folder, verify=False).load()


def test_a_file_cut_short_or_missing_is_found(tmp_path):
    folder = write_model(tmp_path / "m", good())
    (folder / "weights.safetensors").write_bytes(good()[:-3])
    with pytest.raises(CardError, match=rf"expected {len(good())} bytes in .*; got {len(good()) - 3}"):
        load_card(folder)
    (folder / "weights.safetensors").unlink()
    with pytest.raises(CardError, match=r"expected weights in .*No such file"):
        load_card(folder)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "small"', "", "expected name to be a text in .*model.toml; got nothing"),
        ("z_size = 4", "z_size = -4", "expected z_size to be a number above 0 in .*; got -4"),
        ("z_size = 4", "z_size = true", "expected z_size to be a number"),
        ("[32, 16]", "[32]", r"resolution = \[width, height\]"),
        ("[1, 2, 2]", "[1, 0, 2]", "expected noise_shape to be sizes"),
        ('["one", "two"]', "[1, 2]", "expected classes to be a list of names"),
        ('"light"', '"../light"', "expected architecture to be a name"),
        ('"weights.safetensors"', '"../weights.safetensors"', "expected weights beside the card"),
        ('"weights.safetensors"', '"other.safetensors"', "expected .*weights.* with file"),
        ("z_size = 4", "z_size = ", "expected a model's card in .*line 5"),
    ],
)
def test_a_wrong_card_names_file_and_key(tmp_path, old, new, words):
    folder = write_model(tmp_path / "m", good(), CARD.replace(old, new))
    with pytest.raises(CardError, match=words):
        load_card(folder)


def test_a_folder_without_a_card_says_so(tmp_path):
    with pytest.raises(CardError, match=r"expected a model's card in .*model.toml"):
        load_card(tmp_path)


@pytest.mark.parametrize("fault", BAD)
def test_weights_that_lie_are_refused_even_when_the_hash_is_right(tmp_path, fault):
    data, words = BAD[fault]
    folder = write_model(tmp_path / "m", data)
    with pytest.raises(CardError, match=words):
        load_card(folder).load()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_refusing_is_quick_and_small(tmp_path):
    folders = [str(write_model(tmp_path / str(index), data)) for index, (data, _) in enumerate(BAD.values())]
    code = """
import sys, time
from pathlib import Path
from engine.runtime.card import CardError, load_card

def most_kib():  # getrusage's ru_maxrss begins with that of the process which started this one
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")).split()[1])

before = most_kib()
for folder in sys.argv[1:]:
    began = time.process_time()
    try:
        load_card(Path(folder)).load()
    except CardError:
        print(time.process_time() - began)
print((most_kib() - before) / 1024)
"""
    done = subprocess.run([sys.executable, "-c", code, *folders], capture_output=True, text=True, check=True)
    *times_s, grown_mb = (float(line) for line in done.stdout.split())
    assert len(times_s) == len(BAD)
    assert max(times_s) < 1.0
    assert grown_mb < 256
