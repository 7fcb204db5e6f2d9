import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.core.starvation import Starving
from engine.guard.journal import load_journal
from engine.guard.launch_environment import VARIABLE, LaunchEnvironment
from engine.guard.supervised_show import SupervisedShow
from engine.guard.supervisor import stopped
from engine.instrument.instrument import HOP, Instrument, find_patch
from engine.runtime.worker.process import GeneratorProcess
from engine.show.perform import open_model

REACH_S = 30.0


class Screen:
    """A show around a real instrument, with nobody looking."""

    def __init__(self, patch: str = "first-light") -> None:
        self.generator: GeneratorProcess = open_model("light", "auto")
        self.instrument = Instrument(find_patch(patch), self.generator.info)
        self.messages: deque[str] = deque()
        self.kept_up, self.waiting, self.ended = 0, False, False

    def hear(self) -> None:
        self.instrument.hear({"main": np.zeros(HOP, np.float32)}, time.monotonic())

    def say(self, message: str) -> None:
        self.messages.append(message)

    def end(self) -> None:
        self.ended = True


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "clavilux"


@pytest.fixture
def opened() -> Iterator[Callable[..., SupervisedShow]]:
    made = []

    def supervised(**given: object) -> SupervisedShow:
        made.append(SupervisedShow(**given))  # type: ignore[arg-type]
        return made[-1]

    yield supervised
    for item in made:
        item.close()


def left_by_a_show(home: Path, bases: dict[str, object], **more: object) -> None:
    home.mkdir(parents=True)
    whole = {"schema": 1, "patch": "tidal", "model": "light", "bases": bases, "parts": {}} | more
    (home / "journal.json").write_text(json.dumps(whole))


def test_what_one_show_leaves_the_next_takes_back(home: Path, opened: Callable[..., SupervisedShow]) -> None:
    first, show = opened(), Screen("tidal")
    show.instrument.restore({"/macro/3": 0.75, "/stage/fit": "crop", "/master/level": 0.25})
    show.hear()
    first.begin(show, {"midi": lambda: {"74": "/macro/1"}})
    first.close()
    again, show = opened(resume=True), Screen("tidal")
    assert again.saved is not None
    assert (again.saved.patch, again.saved.model, again.parts) == ("tidal", "light", {"midi": {"74": "/macro/1"}})
    again.begin(show)
    bases = show.instrument.state()
    assert (bases["/macro/3"], bases["/stage/fit"], bases["/master/level"]) == (0.75, "crop", 0.25)
    assert not show.messages


def test_a_patch_that_was_only_chosen_is_not_saved_and_nothing_before_the_first_tick(
    home: Path, opened: Callable[..., SupervisedShow]
) -> None:
    supervised, show = opened(), Screen()
    supervised.begin(show)
    supervised.close()
    assert not (home / "journal.json").exists()
    supervised = opened()
    show.hear()
    before = show.instrument.state()
    show.instrument.choose(find_patch("tidal"))
    supervised.begin(show)
    supervised.close()
    saved = load_journal(home / "journal.json")
    assert (saved.patch, saved.bases) == ("first-light", before)


def test_a_patch_that_is_not_on_the_shelf_is_kept_by_its_path(
    home: Path, tmp_path: Path, opened: Callable[..., SupervisedShow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tidal.toml").write_text(find_patch("tidal").path.read_text())  # named as one that is
    supervised = opened()
    show = Screen("tidal.toml")
    show.hear()
    supervised.begin(show)
    supervised.close()
    assert load_journal(home / "journal.json").patch == str(tmp_path / "tidal.toml")


def test_recording_and_live_input_are_asked_for_anew_and_the_picture_moves(
    home: Path, opened: Callable[..., SupervisedShow]
) -> None:
    left_by_a_show(home, {"/live": True, "/record": True, "/freeze": True, "/blackout": True})
    show = Screen()
    opened(resume=True).begin(show)
    changes, calls = show.instrument.tree.apply(show.instrument.tree.take())
    assert not changes
    assert {call.address: call.arguments for call in calls} == {"/live": (True,), "/record": (True,)}
    bases = show.instrument.state()
    assert (bases["/freeze"], bases["/blackout"]) == (False, True)
    assert list(show.messages) == ["the picture was frozen and moves again"]


def test_what_cannot_be_taken_back_is_told_and_the_rest_is_in_force(home: Path, opened: Callable[..., SupervisedShow]) -> None:
    left_by_a_show(home, {"/macro/2": 0.25, "/gone/1": 1, "/macro/3": "much", "/stage/fit": 3, "/gone/2": 2, "/gone/3": 3})
    show = Screen()
    opened(resume=True).begin(show)
    assert show.instrument.state()["/macro/2"] == 0.25
    assert len(show.messages) == 4
    assert "/gone/1" in show.messages[0]
    assert show.messages[3] == "2 more parameters could not be taken back"


def test_a_torn_journal_is_told_and_the_show_starts_afresh(home: Path, opened: Callable[..., SupervisedShow]) -> None:
    home.mkdir(parents=True)
    (home / "journal.json").write_text('{"schema": 1, "patch": "ti')
    supervised, show = opened(resume=True), Screen()
    assert supervised.saved is None
    supervised.begin(show)
    assert len(show.messages) == 1
    assert "expected a whole journal" in show.messages[0]
    assert "started afresh" in show.messages[0]


def test_no_journal_to_take_back_is_told(opened: Callable[..., SupervisedShow]) -> None:
    show = Screen()
    opened(resume=True).begin(show)
    assert list(show.messages) == ["expected a journal of the last show; found none; started afresh"]


def test_a_home_that_cannot_be_written_is_told_and_the_show_goes_on(
    tmp_path: Path, opened: Callable[..., SupervisedShow], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    show = Screen()
    opened().begin(show)
    assert len(show.messages) == 1
    assert "what hands set is not saved" in show.messages[0]


def test_a_safe_show_leaves_the_journal_alone(home: Path, opened: Callable[..., SupervisedShow]) -> None:
    left_by_a_show(home, {"/macro/2": 0.25})
    before = (home / "journal.json").read_text()
    supervised, show = opened(safe=True), Screen()
    supervised.begin(show)
    assert supervised.saved is None
    supervised.close()
    assert (home / "journal.json").read_text() == before


def test_being_asked_to_end_ends_the_show_and_being_asked_twice_ends_it_now(opened: Callable[..., SupervisedShow]) -> None:
    show = Screen()
    supervised = opened()
    before = signal.getsignal(signal.SIGINT)
    supervised.begin(show)
    os.kill(os.getpid(), signal.SIGINT)
    assert show.ended
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("end", "phase"),
    [("pass", "ending"), ("raise KeyboardInterrupt", "ending"), ("sys.exit(1)", "ending"), ("1 / 0", "starting")],
)
def test_only_a_clean_end_is_told_to_the_supervisor(end: str, phase: str) -> None:
    script = (
        "import os, sys\n"
        "from engine.guard.launch_environment import LaunchEnvironment\nfrom engine.guard.supervised_show import SupervisedShow\n"
        f"with SupervisedShow(LaunchEnvironment(os.getppid(), int(sys.argv[1]))): {end}"
    )
    beats, beating = os.pipe()
    subprocess.run([sys.executable, "-c", script, str(beating)], pass_fds=(beating,), stderr=subprocess.DEVNULL, timeout=REACH_S)
    os.close(beating)
    with open(beats) as lines:
        assert lines.read().splitlines()[-1].split()[0] == phase


def test_orders_reach_one_process_and_none_of_its_children() -> None:
    launch = LaunchEnvironment(7, 5, "/a journal.json", "", False, 2, "the show was killed by SIGSEGV", 1.5)
    environ = {"HOME": "/", **launch.environment()}
    assert LaunchEnvironment.take(environ) == launch
    assert environ == {"HOME": "/"}
    assert LaunchEnvironment.take(environ) is None
    for text in ("", "3", "[]", '{"pip": 3}', '{"pipe": "3"}', '{"left_s": "1"}', "{" * 9):
        with pytest.raises(ValueError, match="CLAVILUX_SUPERVISED"):
            LaunchEnvironment.take({VARIABLE: text})


def test_the_heart_beats_while_the_main_thread_sleeps_and_a_full_pipe_stops_nobody() -> None:
    script = (
        "import sys, time; from engine.guard.heartbeat import SHOWING, Heartbeat;"
        "heart = Heartbeat(int(sys.argv[1])); heart.show(lambda: 42, lambda: False);"
        "began = time.monotonic();"
        "[heart.tell(SHOWING) for _ in range(20000)];"  # more than a pipe holds
        "print(time.monotonic() - began, flush=True); time.sleep(60)"
    )
    beats, beating = os.pipe()
    show = subprocess.Popen([sys.executable, "-c", script, str(beating)], pass_fds=(beating,), stdout=subprocess.PIPE, text=True)
    os.close(beating)
    assert show.stdout is not None
    assert float(show.stdout.readline()) < REACH_S
    os.set_blocking(beats, False)
    while select.select([beats], [], [], 0.0)[0]:
        os.read(beats, 1 << 16)
    time.sleep(0.05)
    assert select.select([beats], [], [], REACH_S)[0]
    assert set(os.read(beats, 1 << 16).decode().splitlines()) == {"showing 42"}
    os.close(beats)  # nobody listens any more
    assert show.wait(REACH_S) == -signal.SIGTERM
    show.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="known on Linux alone")
def test_a_stopped_and_a_starved_process_are_told_from_a_sleeping_one() -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    cores = sorted(os.sched_getaffinity(0))[:1]
    busy = [
        subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {cores})\nwhile True: pass"]) for _ in "123"
    ]
    try:
        time.sleep(1.0)
        asleep, starved = Starving(sleeper.pid), Starving(busy[0].pid)
        assert asleep.since() == starved.since() == 0.0
        time.sleep(2.0)
        assert asleep.since() < 0.2
        assert starved.since() > 0.4  # two thirds of the time, and a fifth is enough
        assert not stopped(sleeper.pid)
        os.kill(sleeper.pid, signal.SIGSTOP)
        deadline = time.monotonic() + REACH_S
        while not stopped(sleeper.pid):
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        for process in (sleeper, *busy):
            process.kill()
            process.wait()
    assert not stopped(sleeper.pid)
    assert Starving(sleeper.pid).since() == 0.0
