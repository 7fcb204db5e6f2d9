import csv
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms

from engine.commands.dataset import command
from engine.studio.dataset.builder import held_sources, make
from engine.studio.dataset.dataset import Dataset, DatasetError
from engine.studio.dataset.licences import read_licences
from engine.studio.dataset.near_duplicates import fingerprint
from engine.studio.dataset.picture_decoding import PictureError, fit, read_picture

SIZE = (48, 32)


def scene(seed: int, width: int = 120, height: int = 90) -> Image.Image:
    """A picture of its own: soft blobs of colour."""
    blobs = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(blobs).resize((width, height), Image.Resampling.BICUBIC)


def save(picture: Image.Image, path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


def reasons(data: Path) -> dict[str, str]:
    with (data / "left-out.csv").open(newline="") as opened:
        return {row["file"]: row["reason"] for row in csv.DictReader(opened)}


def differs(picture: np.ndarray, goal: Image.Image) -> float:
    return float(np.abs(picture.astype(np.float32) - np.asarray(goal.convert("RGB"), np.float32)).mean())


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    for i in range(6):
        save(scene(i), folder / "sea" / f"{i}.jpg", quality=92)
        save(scene(10 + i, 200, 70), folder / "old town" / "summer" / f"IMG {i}.png")
    return folder


def test_a_folder_becomes_a_dataset_that_is_read_back(photographs: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    made = make(photographs, tmp_path / "data", SIZE, held=0.2, progress=lambda done, total: seen.append((done, total)))
    assert made.pictures == {"old town": 6, "sea": 6}
    assert seen == [(i + 1, 12) for i in range(12)]
    data = Dataset(tmp_path / "data")
    data.verify()
    assert (data.width, data.height, data.classes, len(data)) == (48, 32, ("old town", "sea"), 12)
    assert data.stack().shape == (12, 32, 48, 3)
    assert data.labels().tolist() == [0] * 6 + [1] * 6
    held = data.indices("held")
    assert data.labels(held).tolist() == [0, 1]
    assert sorted([*held, *data.indices("train")]) == list(range(12))
    first = data.pictures[0]
    assert (first.source, first.licence, first.file) == ("old town/summer/IMG 0.png", "not stated", "pictures/old-town/IMG-0.png")
    assert differs(data[0], fit(scene(10, 200, 70), *SIZE)) < 1  # the middle, at exactly this size


def test_a_folder_without_folders_is_one_class(tmp_path: Path) -> None:
    save(scene(1), tmp_path / "dunes" / "a.png")
    assert make(tmp_path / "dunes", tmp_path / "data", SIZE).pictures == {"dunes": 1}


def test_what_cannot_be_used_is_left_out_and_listed(photographs: Path, tmp_path: Path) -> None:
    save(scene(20, 47, 90), photographs / "sea" / "narrow.png")
    whole = (photographs / "sea" / "0.jpg").read_bytes()
    (photographs / "sea" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photographs / "sea" / "notes.txt").write_text("windy")
    (photographs / "sea" / "empty.png").touch()
    save(scene(21), photographs / "beside.png")
    save(scene(0, 240, 180), photographs / "sea" / "twin.webp", quality=60)  # 0.jpg again, larger and packed otherwise
    for name, sides in (("bomb", (30000, 20000)), ("bombshell", (15000, 10000))):  # a few bytes that claim to be so large
        head = b"IHDR" + struct.pack(">II", *sides) + bytes((8, 2, 0, 0, 0))
        chunks = ((13, head), (4, b"IDAT" + zlib.compress(b"")[:4]), (0, b"IEND"))
        png = b"".join(struct.pack(">I", n) + body + struct.pack(">I", zlib.crc32(body)) for n, body in chunks)
        (photographs / "sea" / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + png)
    (photographs / ".hidden").mkdir()
    save(scene(22), photographs / ".hidden" / "thumb.png")
    made = make(photographs, tmp_path / "data", SIZE)
    assert made.pictures == {"old town": 6, "sea": 6}
    found = reasons(tmp_path / "data")
    assert found.keys() == {
        "beside.png",
        *(
            f"sea/{name}"
            for name in ("narrow.png", "cut.jpg", "notes.txt", "empty.png", "twin.webp", "bomb.png", "bombshell.png")
        ),
    }
    assert found["sea/narrow.png"] == "smaller than 48x32: 47x90"
    assert found["sea/cut.jpg"].startswith("broken: ")
    assert found["sea/notes.txt"] == found["sea/empty.png"] == "no picture of a known format"
    assert found["sea/bomb.png"] == "too large: more than 134217728 pixels"
    assert found["sea/bombshell.png"] == "too large: 15000x10000, more than 134217728 pixels"
    assert found["beside.png"] == "beside the folders of the classes"
    assert found["sea/twin.webp"].startswith("near-duplicate of sea/0.jpg (")
    assert sum(made.left_out.values()) == 8


def test_pictures_are_turned_as_exif_says(tmp_path: Path) -> None:
    upright = scene(3, 60, 90)
    for tag, turn in ((6, Image.Transpose.ROTATE_90), (3, Image.Transpose.ROTATE_180), (5, Image.Transpose.TRANSPOSE)):
        exif = Image.Exif()
        exif[0x0112] = tag
        path = save(upright.transpose(turn), tmp_path / f"{tag}.png", exif=exif)
        assert differs(np.asarray(read_picture(path)), upright) == 0
        with pytest.raises(PictureError, match="smaller than 70x60: 60x90"):  # measured as it is seen
            read_picture(path, (70, 60))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg"])
def test_a_tiff_is_turned_once(tmp_path: Path, compression: str) -> None:
    upright = scene(3, 60, 90)
    turns = {1: None, 3: Image.Transpose.ROTATE_180, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90}
    for tag, turn in turns.items():
        stored = upright if turn is None else upright.transpose(turn)
        path = tmp_path / f"{tag}.tif"
        stored.save(path, compression=compression, tiffinfo={0x0112: tag}, **({"quality": 95} if compression == "jpeg" else {}))
        assert read_picture(path).size == (60, 90)
        assert differs(np.asarray(read_picture(path)), upright) <= (0.0 if compression != "jpeg" else 3.0)
        with pytest.raises(PictureError, match="smaller than 70x60: 60x90"):
            read_picture(path, (70, 60))


@pytest.mark.parametrize("brightest", [1.0, 4.0, 255.0, 65535.0])
def test_a_tiff_of_floats_beyond_one_keeps_its_shades(tmp_path: Path, brightest: float) -> None:
    grey = np.tile(np.linspace(0.0, brightest, 200, dtype=np.float32), (40, 1))
    grey[0, 0] = np.inf
    Image.fromarray(grey).save(tmp_path / "deep.tif")
    found = np.asarray(read_picture(tmp_path / "deep.tif"))[20, :, 0].astype(int)
    assert (np.diff(found) >= 0).all()
    assert len(set(found.tolist())) > 150
    assert (found == 255).mean() < 0.02


def test_heic_is_named_with_what_reads_it(tmp_path: Path) -> None:
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(PictureError, match=r"HEIC.*pillow-heif|broken"):
        read_picture(tmp_path / "phone.heic")


def test_every_kind_of_pixel_becomes_plain_rgb(tmp_path: Path) -> None:
    colour, grey = scene(4), scene(4).convert("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    clear = colour.copy()
    clear.putalpha(Image.new("L", colour.size, 0))
    palette = colour.quantize(64)
    half = colour.convert("RGBA")
    half.putalpha(128)
    cases = [
        (save(colour.convert("CMYK"), tmp_path / "cmyk.jpg", quality=95), colour, 4.0),
        (save(deep, tmp_path / "deep.png"), grey, 0.6),
        (save(deep, tmp_path / "deep.tif"), grey, 0.6),
        (save(palette, tmp_path / "palette.png"), palette, 0.0),
        (save(palette, tmp_path / "palette.gif", transparency=255), palette, 0.0),
        (save(clear, tmp_path / "clear.png"), Image.new("RGB", colour.size), 0.0),
        (save(half, tmp_path / "half.webp", lossless=True), colour.point([v // 2 for v in range(256)] * 3), 1.5),
        (save(grey.convert("LA"), tmp_path / "la.png"), grey, 0.0),
        (save(grey.convert("1"), tmp_path / "bits.png"), grey.convert("1"), 0.0),
        (save(colour, tmp_path / "moves.gif", save_all=True, append_images=[scene(5), scene(6)]), colour, 12.0),
        (save(colour, tmp_path / "moves.webp", save_all=True, append_images=[scene(5)], lossless=True), colour, 0.5),
    ]
    for path, goal, most in cases:
        found = read_picture(path)
        assert (found.mode, found.info) == ("RGB", {}), path.name
        assert differs(np.asarray(found), goal) <= most, path.name


def test_colour_profiles_are_brought_to_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    broken = save(scene(7), tmp_path / "broken.png", icc_profile=b"no profile at all")
    other = save(scene(7), tmp_path / "xyz.png", icc_profile=profile)
    for path in (broken, other):
        assert read_picture(path).mode == "RGB"
    assert differs(np.asarray(read_picture(broken)), scene(7)) == 0


def test_prints_tell_copies_from_others(tmp_path: Path) -> None:
    prints = [fingerprint(scene(i)) for i in range(40)]
    apart = [(a ^ b).bit_count() for i, a in enumerate(prints) for b in prints[:i]]
    assert min(apart) > 6
    again = Image.open(save(scene(1).resize((300, 220)), tmp_path / "a.jpg", quality=40))
    assert (fingerprint(again) ^ prints[1]).bit_count() <= 6
    darker = scene(1).point([v * 85 // 100 for v in range(256)] * 3)
    assert (fingerprint(darker) ^ prints[1]).bit_count() <= 6


def test_licences_are_kept_and_group_sources(photographs: Path, tmp_path: Path) -> None:
    rows = ["file,licence,author,source", "sea/1.jpg,CC-BY-4.0,Ana,film", "sea/2.jpg,CC0,,film", "sea/none.jpg,CC0,,"]
    (photographs / "licences.csv").write_text("\n".join(rows))
    made = make(photographs, tmp_path / "data", SIZE, held=0.4)
    assert (made.unlicensed, made.unmatched) == (10, 1)
    data = {picture.more["original"]: picture for picture in Dataset(tmp_path / "data").pictures}
    one, two = data["sea/1.jpg"], data["sea/2.jpg"]
    assert (one.licence, one.more["author"], one.source, one.split) == ("CC-BY-4.0", "Ana", "film", two.split)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name,licence\n", "expected the columns file,licence"),
        ("file,licence\na.jpg\n", "expected 2 values in line 2"),
        ("file,licence\na.jpg,CC0\na.jpg,CC0\n", "expected each file once"),
        ("file,licence\n\xff,\xfe\n", "expected a table in UTF-8"),
    ],
)
def test_a_bad_table_of_licences_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "licences.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DatasetError, match=match):
        read_licences(path)


def test_held_out_pictures_share_no_source_with_the_others() -> None:
    pictures = [{"class": "ab"[i % 2], "source": str(i // 4)} for i in range(200)]
    held = held_sources(pictures, 0.1)
    assert held == held_sources(pictures[::-1], 0.1)
    assert 0.06 <= sum(picture["source"] in held for picture in pictures) / 200 <= 0.1
    assert held_sources(pictures, 0) == []
    assert held_sources([{"class": "a", "source": "one"}], 0.5) == []  # a class keeps something to learn from


def test_killed_it_goes_on_and_makes_the_same(tmp_path: Path) -> None:
    folder, data, whole = tmp_path / "photographs", tmp_path / "data", tmp_path / "whole"
    for i in range(16):
        save(scene(i, 600, 450), folder / "sea" / f"{i:02}.png")
    save(scene(3, 500, 400), folder / "sea" / "twin.jpg")
    program = "from engine.commands.dataset import command; command()"
    run = [sys.executable, "-c", program, str(folder), "-o", str(data), "--size", "300x200"]
    process = subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = data / "making.jsonl"
    while not journal.exists() or journal.read_bytes().count(b"\n") < 6:
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    done = [json.loads(line) for line in journal.read_bytes().splitlines(keepends=True)[1:] if line.endswith(b"\n")]
    assert 5 <= len(done) < 17
    assert not (data / "dataset.json").exists()
    with pytest.raises(DatasetError, match=r"expected a dataset in .*; got no dataset.json"):
        Dataset(data)
    with journal.open("ab") as opened:
        opened.write(b'{"from": "sea/9')  # the line that the kill cut
    made_at = {line["file"]: (data / line["file"]).stat().st_mtime_ns for line in done}
    make(folder, data, (300, 200))
    assert made_at == {file: (data / file).stat().st_mtime_ns for file in made_at}  # done once
    make(folder, whole, (300, 200))
    assert (data / "dataset.json").read_bytes() == (whole / "dataset.json").read_bytes()
    assert sorted(p.name for p in data.rglob("*.png")) == sorted(p.name for p in whole.rglob("*.png"))


def test_nothing_is_overwritten(photographs: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    make(photographs, data, SIZE)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in data.rglob("*.png")}
    assert make(photographs, data, SIZE).pictures == {"old town": 6, "sea": 6}  # the same again: nothing to do
    with pytest.raises(ValueError, match="width 48, not 64"):
        make(photographs, data, (64, 32))
    save(scene(30), photographs / "sea" / "new.png")
    with pytest.raises(DatasetError, match="expected no new pictures"):
        make(photographs, data, SIZE)
    (photographs / "sea" / "new.png").unlink()
    save(scene(31), photographs / "sea" / "0.jpg")
    with pytest.raises(DatasetError, match="as it was when"):
        make(photographs, data, SIZE)
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in data.rglob("*.png")}
    other = tmp_path / "letters"
    other.mkdir()
    (other / "letter.txt").write_text("dear")
    with pytest.raises(DatasetError, match="expected a new or empty folder"):
        make(photographs, other, SIZE)
    with pytest.raises(DatasetError, match="expected a dataset outside"):
        make(photographs, photographs / "data", SIZE)


def test_the_command_says_what_came_of_it(photographs: Path, tmp_path: Path) -> None:
    save(scene(40, 20, 20), photographs / "sea" / "small.png")
    said = CliRunner().invoke(command, [str(photographs), "-o", str(tmp_path / "data"), "--size", "48x32", "--held", "0.2"])
    assert said.exit_code == 0, said.output
    assert "12 pictures of 48x32 (old town 6, sea 6), 2 held out" in said.output
    assert "left out: 1 (smaller than 48x32 1); " in said.output
    assert "12 have no licence stated" in said.output
    said = CliRunner().invoke(command, [str(photographs), "-o", str(tmp_path / "other"), "--size", "48"])
    assert said.exit_code == 2
    assert "expected WIDTHxHEIGHT" in said.output
    with pytest.raises(DatasetError, match=r"expected pictures of 400x400 or larger in .*left-out.csv says why"):
        make(photographs, tmp_path / "none", (400, 400))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"width": 0}, "expected a whole number from 1 to 16384 as 'width'"),
        ({"classes": ["sea", "sea"]}, "expected each class once"),
        ({"classes": ["dunes"]}, "expected one of the 1 classes in picture 0"),
        ({"pictures": []}, "expected a list of at least one picture"),
        ({"file": "pictures/../../secret.png"}, "expected pictures/<class>/<name>.png or .webp as 'file'"),
        ({"file": "pictures/../secret.png"}, "expected pictures/<class>/<name>.png or .webp as 'file'"),
        ({"file": "pictures/sea/gone.png"}, "it is not there"),
        ({"split": "memory"}, "expected a split of train, held"),
        ({"licence": None}, "expected a text as 'licence' in picture 0"),
    ],
)
def test_a_bad_listing_is_refused(photographs: Path, tmp_path: Path, change: dict[str, object], match: str) -> None:
    data = tmp_path / "data"
    make(photographs, data, SIZE)
    listing = json.loads((data / "dataset.json").read_text())
    target = listing if change.keys() & {"width", "classes", "pictures"} else listing["pictures"][0]
    target.update(change)
    (data / "dataset.json").write_text(json.dumps(listing))
    with pytest.raises(DatasetError, match=match):
        Dataset(data)


def test_pictures_that_changed_are_noticed(photographs: Path, tmp_path: Path) -> None:
    make(photographs, tmp_path / "data", SIZE)
    data = Dataset(tmp_path / "data")
    first = data.folder / data.pictures[0].file
    save(scene(50, 60, 32), first)
    with pytest.raises(DatasetError, match=r"expected 48x32 pixels in .*; got 60x32"):
        data[0]
    whole = save(scene(50, 48, 32), first).read_bytes()
    first.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="expected a whole picture"):
        data.stack()
    with pytest.raises(DatasetError, match="expected sha256"):
        data.verify()
    (data.folder / "dataset.json").write_text("{")
    with pytest.raises(DatasetError, match="expected JSON in"):
        Dataset(data.folder)
