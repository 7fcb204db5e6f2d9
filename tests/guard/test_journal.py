import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.guard.journal import LARGEST, SHOWS, Claim, Journal, JournalError, Saved, load_journal, state_folder, write_whole

REACH_S = 30.0
GOOD = {"schema": 1, "patch": "tidal", "model": "light", "bases": {"/a": 0.5, "/b": True, "/c": "x", "/d": [1, 2.5]}, "parts": {}}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + REACH_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class State:
    """What a show would have to tell, changed at will."""

    def __init__(self) -> None:
        self.bases: dict[str, object] = {"/macro/1": 0.5, "/stage/fit": "mirror", "/freeze": False, "/latent/z": (0.25, -1.0)}
        self.said: list[str] = []

    def journal(self, path: Path, **parts: Callable[[], object]) -> Journal:
        journal = Journal(path, lambda: {"patch": "tidal", "model": "light", "bases": dict(self.bases)}, parts, self.said.append)
        journal.start()
        return journal


def test_what_was_saved_is_what_is_loaded(tmp_path: Path) -> None:
    state = State()
    journal = state.journal(tmp_path / "journal.json", midi=lambda: {"74": "/macro/1"}, allowed=lambda: ["192.168.1.7"])
    until(lambda: journal.saves == 1)
    journal.close()
    assert load_journal(tmp_path / "journal.json") == Saved(
        "tidal", "light", state.bases, {"midi": {"74": "/macro/1"}, "allowed": ["192.168.1.7"]}
    )


def test_a_change_is_on_disk_soon_and_nothing_is_written_without_one(tmp_path: Path) -> None:
    state, path = State(), tmp_path / "journal.json"
    journal = state.journal(path)
    until(lambda: journal.saves == 1)
    for number in range(2, 4):
        state.bases["/macro/1"] = number / 10
        changed = time.monotonic()
        until(lambda number=number: journal.saves == number)  # type: ignore[misc]
        assert time.monotonic() - changed < 10.0  # ten times the goal of a second
        assert load_journal(path).bases["/macro/1"] == number / 10
    time.sleep(1.2)
    assert journal.saves == 3
    journal.close()
    assert os.listdir(tmp_path) == ["journal.json"]


def test_a_part_that_cannot_be_kept_is_told_once_and_harms_nothing(tmp_path: Path) -> None:
    state, path, bad = State(), tmp_path / "journal.json", [True]
    state.bases["/macro/1"] = float("nan")  # JSON has none
    journal = state.journal(path, part=lambda: 1 / 0 if bad else [])
    until(lambda: len(state.said) == 1)
    time.sleep(1.2)
    bad.clear()
    state.bases["/macro/1"] = 0.25
    until(lambda: journal.saves == 1)
    journal.close()
    assert ["crash would now lose" in line for line in state.said] == [True, False]
    assert load_journal(path).bases["/macro/1"] == 0.25


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)), capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"no small disk can be mounted here, so none is filled: {mount.stderr.strip()}")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


def test_a_full_disk_is_told_once_keeps_the_last_state_and_is_got_over(small_disk: Path) -> None:
    state, path = State(), small_disk / "journal.json"
    journal = state.journal(path)
    until(lambda: journal.saves == 1)
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    state.bases["/macro/1"] = 0.75
    until(lambda: len(state.said) == 1)
    assert "No space left" in state.said[0]
    time.sleep(1.2)
    assert len(state.said) == 1
    assert load_journal(path).bases["/macro/1"] == 0.5
    filler.unlink()
    until(lambda: journal.saves == 2)
    journal.close()
    assert load_journal(path).bases["/macro/1"] == 0.75
    assert len(state.said) == 2
    assert "saved again" in state.said[1]


def test_a_journal_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "journal.json", json.dumps(GOOD).encode()
    path.write_bytes(whole)
    assert load_journal(path).bases == {"/a": 0.5, "/b": True, "/c": "x", "/d": (1.0, 2.5)}
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(JournalError, match=r"expected a whole journal; got .* from .*journal\.json"):
            load_journal(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema 2, not 1"),
        ({"schema": True}, "schema True"),
        ({"schema": None}, "schema None"),
        ({"patch": 3}, "no names"),
        ({"model": ""}, "no names"),
        ({"bases": []}, "no tables"),
        ({"parts": None}, "no tables"),
        ({"bases": {"/a": None}}, "None for /a"),
        ({"bases": {"/a": {"b": 1}}}, "for /a"),
        ({"bases": {"/a": ["x"]}}, "for /a"),
        ({"bases": {"/a": float("nan")}}, "nan for /a"),
        ({"bases": {"/a": [float("inf")]}}, "inf"),
        ({"bases": {"/a": 10**400}}, "too large"),
        ({"bases": {"/a": [10**400]}}, "too large"),
    ],
)
def test_a_journal_of_other_things_is_refused(change: dict[str, object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(JournalError, match=words):
        load_journal(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 4096, b"[1]", b"null", b'"x"', b"\xff\xfe{}", b"[" * 200_000, b'{"schema": 1e999}', b"{" * 9, os.urandom(999)],
)
def test_junk_is_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    path.write_bytes(data)
    with pytest.raises(JournalError, match=r"expected a whole journal; got ..* from"):
        load_journal(path)


def test_what_is_too_large_is_no_file_or_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    with pytest.raises(JournalError, match="No such file"):
        load_journal(path)
    with pytest.raises(JournalError, match="directory"):
        load_journal(tmp_path)
    path.write_bytes(json.dumps(GOOD).encode() + b" " * LARGEST)
    with pytest.raises(JournalError, match="at most 4 MiB"):
        load_journal(path)
    path.unlink()
    if hasattr(os, "mkfifo"):
        os.mkfifo(path)
        with pytest.raises(JournalError, match="no file"):  # without waiting for a writer
            load_journal(path)


SAVER = """
import os, random, signal, sys, time
from pathlib import Path
from engine.guard import journal

folder, rounds, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
path, chance, seen = folder / "journal.json", random.Random(seed), set()
for turn in range(rounds):
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        journal.EVERY_S, count = 0.0, 0
        def collect():
            global count
            count += 1
            return {"patch": "tidal", "model": "light", "bases": {f"/{n}": turn * 1000000 + count for n in range(400)}}
        saver = journal.Journal(path, collect, {}, print)
        saver.start()
        while not saver.saves: time.sleep(0.0005)
        os.write(told, b"x")
        time.sleep(60)
    os.read(ready, 1)
    time.sleep(chance.uniform(0.0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ready), os.close(told)
    values = set(journal.load_journal(path).bases.values())
    assert len(values) == 1, values
    value, = values
    assert value // 1000000 == turn, (value, turn)
    seen.add(value)
print(len(seen), sorted(item.name for item in folder.iterdir()))
"""


def killed_while_saving(folder: Path, rounds: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAVER, str(folder), str(rounds), "7"], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{rounds} ['journal.json'"), done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_while_saving_leaves_the_old_or_the_new_state_whole(tmp_path: Path) -> None:
    killed_while_saving(tmp_path, 50)


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_while_saving_a_thousand_times(tmp_path: Path) -> None:
    killed_while_saving(tmp_path, 1000)


def test_two_shows_at_once_have_a_journal_each_and_the_last_one_left_is_found(tmp_path: Path) -> None:
    first, second = Claim(tmp_path), Claim(tmp_path)
    assert (first.path.name, second.path.name) == ("journal.json", "journal-2.json")
    assert first.newest() is None
    assert not first.written
    write_whole(second.path, b"second")
    write_whole(first.path, b"first")
    os.utime(first.path, (1, 1))
    assert first.written
    assert first.newest() == first.path, "the other one is of a show that runs"
    second.close()
    assert first.newest() == second.path
    first.close()
    third = Claim(tmp_path)
    assert third.path == first.path
    assert not third.written, "what was there before is not this show's"
    third.close()


def test_a_claim_dies_with_its_process_and_there_are_only_so_many(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from engine.guard.journal import Claim; c = Claim(Path(sys.argv[1]));"
    script += "print(c.path.name, flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "journal.json\n"
    mine = [Claim(tmp_path) for _ in range(SHOWS - 1)]
    assert mine[0].path.name == "journal-2.json"
    with pytest.raises(OSError, match="at once"):
        Claim(tmp_path)
    other.kill()
    other.communicate()
    mine.append(Claim(tmp_path))
    assert mine[-1].path.name == "journal.json"
    for claim in mine:
        claim.close()


def test_a_home_that_cannot_be_written_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    with pytest.raises(OSError, match="home"):
        Claim(state_folder())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other folders")
def test_the_state_lies_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state_folder() == Path("/somewhere/clavilux")
    monkeypatch.setenv("XDG_STATE_HOME", "")
    monkeypatch.setenv("HOME", "/home/player")
    assert state_folder() == Path("/home/player/.local/state/clavilux")


def test_whoever_else_uses_the_machine_cannot_read_it(tmp_path: Path) -> None:
    claim = Claim(tmp_path / "state" / "clavilux")
    assert stat.S_IMODE(claim.path.parent.stat().st_mode) & 0o077 == 0
    claim.close()
