import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.runtime.cache import KEPT, MANIFEST, DamagedError, Entry

FACTS = {"weights": "ab" * 32, "target": "sm86", "runtime": "tensorrt-rtx 1.7"}


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Entry:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    entry = Entry("tensorrt-rtx", "light", FACTS)
    entry.put(write)
    return entry


def write(folder: Path) -> dict[str, float]:
    (folder / "0.plan").write_bytes(bytes(range(256)) * 100)
    (folder / "1.plan").write_bytes(b"bend")
    return {"largest": 2.0}


def test_what_was_written_is_found_again_with_its_notes(kept):
    assert kept.ready
    assert kept.check() == {"largest": 2.0}
    assert sorted(path.name for path in kept.folder.iterdir()) == ["0.plan", "1.plan", MANIFEST]


@pytest.mark.parametrize("fact", FACTS)
def test_whatever_it_depends_on_makes_another_one(kept, fact):
    other = Entry(kept.runtime, kept.name, {**FACTS, fact: "another"})
    assert other.folder != kept.folder
    assert not other.ready


@pytest.mark.parametrize("place", [0, 12_800, 25_599])
def test_one_flipped_bit_is_refused_by_name(kept, place):
    plan = kept.folder / "0.plan"
    data = bytearray(plan.read_bytes())
    data[place] ^= 1
    plan.write_bytes(data)
    with pytest.raises(DamagedError, match=r"expected sha256 [0-9a-f]{64} of .*0\.plan; got [0-9a-f]{64}"):
        kept.check()


def test_a_missing_file_and_one_of_another_card_are_refused(kept):
    (kept.folder / "1.plan").unlink()
    with pytest.raises(DamagedError, match=r"1\.plan; got no file"):
        kept.check()
    foreign = Entry(kept.runtime, kept.name, {**FACTS, "target": "sm120"})
    kept.folder.rename(foreign.folder)  # as somebody may who copies a plan by hand
    with pytest.raises(DamagedError, match=r"'target': 'sm120'.*got .*'target': 'sm86'"):
        foreign.check()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "3", '{"facts": 1, "files": 2, "notes": 3}', "[" * 100_000, "x" * (2 << 20)]
)
def test_a_manifest_that_is_none_is_refused(kept, text):
    (kept.folder / MANIFEST).write_text(text)
    with pytest.raises(DamagedError, match="expected a manifest"):
        kept.check()


def test_every_cut_of_a_manifest_is_refused(kept):
    whole = (kept.folder / MANIFEST).read_text().rstrip()
    for length in range(len(whole)):
        (kept.folder / MANIFEST).write_text(whole[:length])
        with pytest.raises(DamagedError):
            kept.check()


def test_a_writer_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    entry = Entry("openvino", "light", FACTS)

    def fails(folder: Path) -> dict[str, float]:
        write(folder)
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        entry.put(fails)
    assert not entry.ready
    assert not list(entry.folder.parent.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_writer_that_is_killed_leaves_nothing_that_is_taken_for_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = """
import os, signal
from engine.runtime.cache import Entry

def write(folder):
    (folder / "0.plan").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

Entry("openvino", "light", {}).put(write)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    entry = Entry("openvino", "light", {})
    assert not entry.ready
    left = list(entry.folder.parent.iterdir())
    assert [path.suffix for path in left] == [".part"]
    os.utime(left[0], (0, 0))
    entry.put(write)
    assert list(entry.folder.parent.iterdir()) == [entry.folder]  # and it is swept up later


def test_two_writers_of_the_same_agree(kept):
    before = (kept.folder / MANIFEST).stat().st_mtime_ns
    kept.put(write)
    assert (kept.folder / MANIFEST).stat().st_mtime_ns == before


def test_only_the_newest_of_a_model_stay(kept):
    for index in range(KEPT + 2):
        time.sleep(0.01)
        Entry(kept.runtime, kept.name, {"weights": str(index)}).put(write)
    assert len(list(kept.folder.parent.iterdir())) == KEPT
    assert not kept.ready


@pytest.mark.parametrize("name", ["../../*", "/tmp/x", "*", "a/b", "[a-z]", "x" * 300, ""])
def test_no_name_of_a_model_leads_out_of_the_cache_or_to_what_belongs_to_others(kept, name):
    folder = Entry(kept.runtime, name, FACTS).folder
    assert folder.parent == kept.folder.parent
    assert not set(folder.name) & set("/*?[.")
    assert len(folder.name) < 100


def test_a_manifest_says_what_it_was_made_of(kept):
    assert json.loads((kept.folder / MANIFEST).read_text())["facts"] == FACTS
