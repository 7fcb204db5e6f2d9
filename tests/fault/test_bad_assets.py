"""Rows 17, 18 and 29 in a whole show: patches and shaders saved broken while it plays, and a disk that fills up."""

import random
import re
import resource
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from fullshow import Show
from performing import until
from song import HOP, INFO, RATE_HZ, tree

from engine.control.patch import PatchError, load_patch
from engine.core import resources
from engine.instrument.patch_player import PatchPlayer

PATCHES = resources.listing("patches", "*.toml")
WORDS = [b"nan", b"inf", b"-1", b"1e400", b"9" * 5000, b"[]", b"{}", b'""', b'"x"', b"true", b"1979-05-27", b"0x7fffffffffffffff"]
WORDS += [b'["a", 1]', b"[" * 3000, b"{ a = 1 }", b'"/seed"', b'"event/kick"', b"0", b"1e9"]
PIECES = [b"[", b"]", b"=", b".", b"\xff", b"\x00", b"'''", b"schema = 99\n", b"[route]\n", b"[[mover]]\n", *WORDS]


@pytest.fixture
def playing(show: Show, tmp_path: Path) -> Iterator[Path]:
    """The file of the patch that plays: a copy, to be saved over."""
    path = tmp_path / "mine.toml"
    save(path, resources.find("patches", "first-light.toml").read_bytes())
    show.live.load_patch(str(path))
    until(show.live, lambda: show.live.instrument.player.patch.path == path)
    show.live.messages.clear()
    yield path
    show.live.load_patch("first-light")


def save(path: Path, data: bytes) -> None:
    """As editors do: written beside it, then put in its place."""
    beside = path.with_name("new")
    beside.write_bytes(data)
    beside.replace(path)


def broken_patches(whole: bytes) -> dict[str, bytes]:
    text = whole.decode()
    line = text.index("[shader.feedback]\n") + len("[shader.feedback]\n")
    return {
        "cut": whole[: len(whole) // 2],
        "junk": random.Random(1).randbytes(5000),
        "newer schema": text.replace("schema = 1", "schema = 2", 1).encode(),
        "unknown key": (text[:line] + "nothing = 3\n" + text[line:]).encode(),
        "brackets nested deeply": whole + b"\nx = " + b"[" * 100_000,
        "number of many digits": whole + b"\nx = " + b"9" * 100_000,
    }


def test_a_patch_saved_broken_leaves_the_old_one_live_and_is_named_with_file_and_line(show: Show, playing: Path) -> None:
    whole = playing.read_bytes()
    live = show.live
    patch = live.instrument.player.patch
    live.instrument.tree.post("/macro/1", 0.9)
    for kind, data in broken_patches(whole).items():
        live.messages.clear()
        save(playing, data)
        until(live, lambda: live.messages)
        assert re.search(rf"{playing}:\d+: .*kept the patch that plays$", live.messages[0], re.S), f"{kind}: {live.messages}"
        assert live.instrument.player.patch is patch, kind
        tick = show.analysis_thread.ticks.get()
        assert tick is not None
        assert tick.params["/macro/1"] == pytest.approx(0.9)
    save(playing, whole.replace(b"schema = 1", b"schema = 1 # mended", 1))
    until(live, lambda: live.instrument.player.patch is not patch)
    assert live.instrument.player.patch.path == playing
    assert show.analysis_thread.faults == 0
    assert show.run(0.3)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One value replaced, or several bytes changed, lost, doubled or moved."""
    changed = bytearray(data)
    if rng.random() < 0.6:
        values = [match.span(1) for match in re.finditer(rb"=[ ]*([^\s,}][^,}\n]*)", data)]
        begin, end = rng.choice(values)
        changed[begin:end] = rng.choice(WORDS)
        return bytes(changed)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 40)]
        elif kind == 2:
            changed[at:at] = rng.choice(PIECES)
        else:
            start = rng.randrange(len(changed))
            changed[at:at] = changed[start : start + rng.randint(1, 200)]
    return bytes(changed)


def break_patches(path: Path, seed: int, count: int) -> int:
    """Wire broken patches; how many could be played all the same."""
    rng, wholes, taken = random.Random(seed), [one.read_bytes() for one in PATCHES], 0
    for number in range(count):
        data, said = mutated(rng.choice(wholes), rng), ""
        path.write_bytes(data)
        try:
            PatchPlayer(load_patch(path), tree(), INFO, 1, RATE_HZ, HOP).close()
        except PatchError as error:
            said = str(error)
        except Exception as error:
            raise AssertionError(f"seed {seed}, number {number}: {data!r}") from error
        taken += not said
        assert not said or re.match(rf"{path}:\d+: .*expected", said, re.S), f"seed {seed}, number {number}: {said}"
    return taken


def test_patches_broken_at_random_are_played_or_refused_with_file_and_line(tmp_path: Path) -> None:
    assert 0 < break_patches(tmp_path / "broken.toml", 3, 400) < 200


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_twenty_thousand_broken_patches(tmp_path: Path) -> None:
    seed = secrets.randbelow(2**31)
    print(f"seed {seed}: {break_patches(tmp_path / 'broken.toml', seed, 20_000)} could be played all the same")


@pytest.mark.parametrize("loss", ["a line that does not compile", "no text", "no file"])
def test_a_shader_saved_broken_leaves_the_last_good_one_and_its_line_is_shown(show: Show, shelf: Path, loss: str) -> None:
    live, path = show.live, shelf / "shaders" / "grade.glsl"
    assert next(item.path for item in live.instrument.passes if item.name == "grade") == path
    good = path.read_text()
    broken = good.replace("float l = luminance(color);", "float l = luminence(color);")
    assert broken != good
    live.messages.clear()
    if loss == "no file":
        path.unlink()
        assert show.run(1.1)
        assert not live.messages
    else:
        save(path, b"" if loss == "no text" else broken.encode())
        show.run_until(lambda: live.messages)
        assert re.search(rf"{path}:\d+: .*kept the last good grade", live.messages[0], re.S)
    assert show.run(0.5)
    assert live.stage.read()[..., :3].std() > 3.0
    live.messages.clear()
    save(path, good.encode())
    show.run_until(lambda: any("reloaded" in message for message in live.messages))


@pytest.fixture
def room() -> Iterator[Callable[[int], None]]:
    """Sets what any file of this process may hold, as on a full disk: Python makes an error of the signal that follows."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_while_recording_ends_the_film_and_not_the_show(show: Show, tmp_path: Path, room) -> None:
    live, path = show.live, tmp_path / "film.mp4"
    live.instrument.tree.post("/stage/grain", 1.0)  # a film that is hard to make small
    live.messages.clear()
    room(700_000)
    live.record_to(path)
    show.run(0.5)
    assert live.instrument.tree.leaf("/record").base is True
    took_s = show.run_until(lambda: any("expected room" in message for message in live.messages), 100.0)
    print(f"full after {took_s:.1f} s and {path.stat().st_size} bytes")
    assert any(f"expected room for {path}; got File too large; kept the film up to there" in said for said in live.messages)
    assert len(show.run(1.0)) > 0.1 * live.rate_hz
    assert live.instrument.tree.leaf("/record").base is False
    assert path.stat().st_size <= 700_000
    with av.open(str(path)) as film:
        pictures = [picture.to_ndarray(format="gray") for picture in film.decode(video=0)]
    assert len(pictures) >= 10
    assert np.mean([picture.std() for picture in pictures]) > 1.0


def test_a_disk_that_is_full_from_the_start_begins_no_other_film(show: Show, tmp_path: Path, room, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    live = show.live
    live.messages.clear()
    room(20_000)
    live.record_to(tmp_path / "film.mp4")
    show.run_until(lambda: any("expected room" in message for message in live.messages), 100.0)
    assert show.run(1.0)
    assert [message.split(" ", 1)[1][:9] for message in live.messages] == ["recording", "expected "]
    assert not (tmp_path / "out").exists()
    assert live.instrument.tree.leaf("/record").base is False
