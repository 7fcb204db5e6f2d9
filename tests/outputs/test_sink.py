"""What every sink can rely on, and the show with it: shown with sinks that hang, fail and take their time."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import numpy as np
import pytest

import engine.outputs
from engine.core.types import ByteArray, FloatArray
from engine.outputs.film import FilmSink
from engine.outputs.mjpeg import MjpegSink
from engine.outputs.sink import SOUND_WAITING_S, Sink, make_sink

REACH_S = 30.0


class Notebook(Sink):
    """Notes down what it is given, once `gate` is open."""

    takes_sound = True
    pictures_waiting = 4

    def __init__(self, title: str = "notebook") -> None:
        super().__init__(title)
        self.gate = threading.Event()
        self.numbers: list[int] = []
        self.done: list[str] = []

    @classmethod
    def from_target(cls, target: str) -> Self:
        return cls(target)

    def begin(self) -> None:
        self.done.append("begin")

    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        self.gate.wait()
        self.numbers.append(int(rgba[0, 0, 0]))

    def write_sound(self, stereo: FloatArray, t_s: float) -> None:
        self.gate.wait()
        self.done.append(f"sound {len(stereo)} at {t_s}")

    def change_size(self, size: tuple[int, int]) -> None:
        self.done.append(f"size {size[0]}x{size[1]}")

    def finish(self) -> None:
        self.done.append("finish")

    def release(self) -> None:
        self.done.append("release")


def picture(number: int) -> ByteArray:
    return np.full((4, 6, 4), number, np.uint8)


@pytest.fixture
def opened() -> Iterator[Callable[..., Notebook]]:
    made: list[Notebook] = []

    def make(sink: Notebook | None = None, paced: bool = True, gate: bool = True) -> Notebook:
        sink = sink or Notebook()
        made.append(sink)
        if gate:
            sink.gate.set()
        sink.open((6, 4), 30.0, 48000, paced)
        return sink

    yield make
    for sink in made:
        sink.gate.set()
        sink.close()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + REACH_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_everything_comes_in_order_and_the_end_after_it(opened: Callable[..., Notebook]) -> None:
    sink = opened(paced=False)
    sink.picture(picture(1), 0.0)
    sink.sound(np.zeros((480, 2), np.float32), 0.25)
    sink.resize((8, 8))
    sink.picture(picture(2), 0.5)
    assert sink.status().state == "open"
    sink.close()
    assert sink.numbers == [1, 2]
    assert sink.done == ["begin", "sound 480 at 0.25", "size 8x8", "finish", "release"]
    status = sink.status()
    assert (status.state, status.pictures, status.dropped, status.lost_s, status.message) == ("closed", 2, 0, 0.0, "")


def test_in_real_time_a_sink_that_hangs_drops_and_counts_and_nobody_waits(opened: Callable[..., Notebook]) -> None:
    sink = opened(gate=False)
    sink.picture(picture(0), 0.0)
    until(lambda: sink._pictures_waiting == 0)  # it hangs in this one
    began = time.monotonic()
    for number in range(1, 100):
        sink.picture(picture(number), number / 30)
    assert time.monotonic() - began < 5.0  # one wait would be without end
    assert sink.status().dropped == 99 - Notebook.pictures_waiting
    sink.gate.set()
    sink.close()
    assert sink.numbers == [0, 1, 2, 3, 4]


def test_in_real_time_sound_is_bounded_too_and_what_is_lost_is_told(opened: Callable[..., Notebook]) -> None:
    sink = opened(gate=False)
    for number in range(round(SOUND_WAITING_S) + 5):
        sink.sound(np.zeros((48000, 2), np.float32), float(number))
    assert 4.0 <= sink.status().lost_s <= 5.0


def test_frame_by_frame_the_call_waits_and_nothing_is_dropped(opened: Callable[..., Notebook]) -> None:
    sink = opened(paced=False, gate=False)
    threading.Timer(0.2, sink.gate.set).start()
    for number in range(100):
        sink.picture(picture(number), number / 30)
    sink.close()
    assert sink.numbers == list(range(100))
    assert sink.status().dropped == 0


def test_a_sink_watched_as_it_happens_keeps_the_newest_picture(opened: Callable[..., Notebook]) -> None:
    class Watched(Notebook):
        pictures_waiting = 1
        keeps_newest = True

    sink = opened(Watched(), gate=False)
    sink.picture(picture(0), 0.0)
    until(lambda: sink._pictures_waiting == 0)
    for number in range(1, 6):
        sink.sound(np.zeros((480, 2), np.float32), number / 30)
        sink.picture(picture(number), number / 30)
    sink.gate.set()
    sink.close()
    assert sink.numbers == [0, 5]
    assert sink.status().dropped == 4
    assert sum(item.startswith("sound") for item in sink.done) == 5


@pytest.mark.parametrize("hook", ["begin", "write_picture", "write_sound", "change_size", "finish", "release"])
@pytest.mark.parametrize("paced", [True, False])
def test_a_fault_ends_the_sink_with_a_message_and_what_comes_later_is_harmless(
    opened: Callable[..., Notebook], monkeypatch: pytest.MonkeyPatch, hook: str, paced: bool
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(Notebook, hook, fail)
    sink = opened(paced=paced)
    for number in range(20):
        sink.picture(picture(number), number / 30)
        sink.sound(np.zeros((480, 2), np.float32), number / 30)
        sink.resize((8, 8))
    sink.close()
    message = "expected output notebook to go on; got no ink; kept everything else"
    status = sink.status()
    assert (status.state, status.message, sink.ended) == ("failed", message, True)
    assert sink.messages() == [message]
    assert sink.messages() == []
    assert "release" in sink.done or hook == "release"
    sink.picture(picture(1), 9.0)
    sink.close()
    assert sink.status() == status


@pytest.mark.parametrize("hook", ["begin", "write_picture", "release"])
@pytest.mark.parametrize("ending", [SystemExit(0), RuntimeError("no ink")])
def test_a_hook_that_ends_its_thread_or_cannot_tell_of_its_fault_leaves_no_film_waiting(
    opened: Callable[..., Notebook], monkeypatch: pytest.MonkeyPatch, hook: str, ending: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise ending

    monkeypatch.setattr(Notebook, hook, fail)
    if isinstance(ending, Exception):
        monkeypatch.setattr(Notebook, "fault", fail)
    sink = opened(paced=False)
    if hook != "release":
        for number in range(20):  # more than there is room for
            sink.picture(picture(number), number / 30)
    sink.close(wait=False)
    assert sink.wait_closed(REACH_S)
    assert sink.status().state == "failed"
    (message,) = sink.messages()
    assert message.startswith(f"expected output notebook to go on; got {type(ending).__name__}")


@pytest.mark.parametrize("hook", ["wants_pictures", "announcement"])
def test_a_hook_that_fails_in_the_callers_thread_ends_the_sink_alone(
    opened: Callable[..., Notebook], monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(Notebook, hook, fail)
    sink = opened(paced=False)
    assert sink.announced() == "output notebook"
    sink.picture(picture(1), 0.0)
    assert sink.wait_closed(REACH_S)
    assert sink.messages() == ["expected output notebook to go on; got no ink; kept everything else"]
    assert "release" in sink.done


NICED = """
import os, sys, threading
sys.path.insert(0, {folder!r})
from test_sink import Notebook, picture

class Niced(Notebook):
    def begin(self):
        print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

if os.getuid() == 0:
    os.setuid(65534)
sink = Niced()
sink.gate.set()
sink.open((6, 4), 30.0, 48000, paced=True)
sink.picture(picture(1), 0.0)
sink.close()
print(sink.numbers, sink.status().state)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no niceness of its own")
def test_a_show_that_was_niced_before_keeps_its_niceness_and_its_outputs() -> None:
    code = NICED.format(folder=str(Path(__file__).parent))
    command = ["nice", "-n", "9", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    niceness, rest = done.stdout.splitlines()
    assert int(niceness) >= 9
    assert rest == "[1] closed", done.stderr


def test_one_that_cannot_be_had_says_so_at_once_and_can_be_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken(Notebook):
        free = False

        def acquire(self) -> None:
            if not self.free:
                raise OSError("expected a free notebook; got none")

    sink = Taken()
    with pytest.raises(OSError, match="expected a free notebook"):
        sink.open((6, 4), 30.0, 48000, True)
    assert (sink.status().state, sink.done) == ("new", [])
    sink.free = True
    sink.open((6, 4), 30.0, 48000, True)
    sink.close()
    assert sink.done == ["begin", "finish", "release"]


ONE_FILE = """
from pathlib import Path
from engine.core.registry import register
from engine.outputs.sink import Sink

@register("sink", "grey-log")
class GreyLog(Sink):
    "The time and the mean grey of every picture, a line each, in a text file."

    example = "greys.txt"

    def __init__(self, path):
        super().__init__(f"grey-log:{path}")
        self.path = path

    @classmethod
    def from_target(cls, target):
        if not target:
            raise ValueError("expected grey-log:FILE; got no file")
        return cls(Path(target))

    def write_picture(self, rgba, t_s):
        with self.path.open("a") as log:
            log.write(f"{t_s:.2f} {rgba[..., :3].mean():.0f}\\n")
"""


def test_a_sink_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "grey_log.py").write_text(ONE_FILE)
    monkeypatch.setattr(engine.outputs, "__path__", [*engine.outputs.__path__, str(tmp_path)])
    with pytest.raises(ValueError, match="expected grey-log:FILE; got no file"):
        make_sink("grey-log:")
    sink = make_sink(f"grey-log:{tmp_path / 'greys.txt'}")
    sink.open((6, 4), 30.0, 48000, paced=False)
    for number in range(3):
        sink.picture(picture(40 * number), number / 4)
        sink.sound(np.zeros((480, 2), np.float32), number / 4)
    sink.close()
    assert (tmp_path / "greys.txt").read_text() == "0.00 0\n0.25 40\n0.50 80\n"


def test_outputs_are_named_by_what_they_are_or_by_a_films_path() -> None:
    for text in ("show.mp4", "film:show.mp4", "out/show.mov", "film:a:b.m4v", "SHOW.MP4", "show.mkv"):
        film = make_sink(text)
        assert isinstance(film, FilmSink)
        assert film.path == Path(text.removeprefix("film:"))
    assert isinstance(make_sink("C:\\shows\\show.mp4"), FilmSink)
    for text, host, port in (
        ("mjpeg", "127.0.0.1", 8090),
        ("mjpeg:8091", "127.0.0.1", 8091),
        ("mjpeg::8091", "127.0.0.1", 8091),
        ("mjpeg:0.0.0.0:80", "0.0.0.0", 80),
        ("mjpeg:[::1]:8091", "::1", 8091),
    ):
        mjpeg = make_sink(text)
        assert isinstance(mjpeg, MjpegSink)
        assert (mjpeg.host, mjpeg.port) == (host, port)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "show.avi",
            r"expected an output NAME:TARGET, one of film, .*mjpeg.*, or a path ending in .mp4, .m4v, .mov, .mkv; got 'show.avi'",
        ),
        ("nothing:8090", "got 'nothing:8090' from --output"),
        ("still:a.png", "expected an output NAME:TARGET"),
        ("film:show.avi", "expected a film ending in .mp4, .m4v, .mov or .mkv; got show.avi"),
        ("mjpeg:host", "expected mjpeg:PORT or mjpeg:HOST:PORT such as mjpeg:8090; got mjpeg:host"),
        ("mjpeg:127.0.0.1:70000", "got mjpeg:127.0.0.1:70000"),
    ],
)
def test_what_is_no_output_is_refused_with_what_there_is(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_sink(text)
