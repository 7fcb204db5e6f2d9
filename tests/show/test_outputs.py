"""Outputs of a whole show and of a film: fed alike, each on its own."""

import io
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import av
import numpy as np
import pytest
from performing import performing, until
from PIL import Image

from engine.core.types import ByteArray, FloatArray
from engine.instrument.instrument import RATE_HZ, Instrument, find_patch
from engine.outputs.film import FilmSink
from engine.outputs.mjpeg import MjpegSink
from engine.outputs.sink import Sink
from engine.show.film import film
from engine.show.outputs import OutputSet
from engine.show.perform import open_model, open_sound
from engine.show.status import figures
from engine.stage.gl_context import headless_context

SIZE = (320, 180)


class Kept(Sink):
    """Keeps what it is given; `hold` and `fail` come before a picture."""

    takes_sound = True

    def __init__(self, title: str = "kept") -> None:
        super().__init__(title)
        self.pictures: list[tuple[float, ByteArray]] = []
        self.sounds: list[tuple[float, int]] = []
        self.sizes: list[tuple[int, int]] = []
        self.hold: threading.Event | None = None
        self.fail = False

    @classmethod
    def from_target(cls, target: str) -> Self:
        return cls(target)

    def write_picture(self, rgba: ByteArray, t_s: float) -> None:
        if self.hold is not None:
            self.hold.wait()
        if self.fail:
            raise RuntimeError("no ink")
        self.pictures.append((t_s, rgba.copy()))

    def write_sound(self, stereo: FloatArray, t_s: float) -> None:
        self.sounds.append((t_s, len(stereo)))

    def change_size(self, size: tuple[int, int]) -> None:
        self.sizes.append(size)


class Drawn:
    """A set of outputs and pictures of one colour each, drawn for it."""

    def __init__(self, stack: ExitStack, paced: bool = False) -> None:
        self.context = headless_context()
        stack.callback(self.context.release)
        self.said: list[str] = []
        self.outputs = OutputSet(self.context, (64, 32), 30.0, RATE_HZ, paced, self.said.append)
        stack.callback(self.outputs.close)
        self.resize(64, 32)

    def resize(self, width: int, height: int) -> None:
        self.framebuffer = self.context.framebuffer([self.context.texture((width, height), 4)])

    def draw(self, grey: int) -> None:
        self.framebuffer.clear(grey / 255, grey / 255, grey / 255, 1.0)
        self.outputs.take(self.framebuffer, grey / 30)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_all_sinks_get_every_picture_with_its_own_time_and_all_sound(stack: ExitStack) -> None:
    drawn, one, other = Drawn(stack), Kept("one"), Kept("other")
    drawn.outputs.add(one)
    drawn.outputs.add(other)
    for number in range(50):
        drawn.outputs.sound(np.zeros((256, 2), np.float32), number / 30)
        drawn.draw(number)
    drawn.outputs.close()
    for sink in (one, other):
        assert [t_s for t_s, _ in sink.pictures] == [number / 30 for number in range(50)]
        assert [int(picture[16, 32, 0]) for _, picture in sink.pictures] == list(range(50))
        assert sink.sounds == [(number / 30, 256) for number in range(50)]
    assert drawn.said == [
        "output one",
        "output other",
        "one: 50 pictures, 0 dropped",
        "other: 50 pictures, 0 dropped",
    ]


def test_nothing_is_read_back_while_nobody_looks(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, kept, mjpeg = Drawn(stack), Kept(), MjpegSink(port=0)
    drawn.draw(1)
    drawn.outputs.add(mjpeg)
    drawn.draw(2)  # with no browser there
    assert drawn.outputs._readback is None
    drawn.outputs.add(kept)
    drawn.draw(3)
    drawn.draw(4)
    assert drawn.outputs._readback is not None
    drawn.outputs.remove(kept)
    kept.wait_closed()
    drawn.draw(5)  # the one that was being read, and no more
    drawn.draw(6)
    assert drawn.outputs._readback is not None
    drawn.outputs.remove(mjpeg)
    mjpeg.wait_closed()
    drawn.draw(7)
    assert drawn.outputs._readback is None
    assert [int(picture[0, 0, 0]) for _, picture in kept.pictures] == [3]


def test_pictures_of_another_size_come_after_the_word_of_it(stack: ExitStack) -> None:
    drawn, kept = Drawn(stack), Kept()
    drawn.outputs.add(kept)
    for number in range(3):
        drawn.draw(number)
    drawn.resize(48, 24)
    drawn.outputs.resize((48, 24))
    for number in range(3, 6):
        drawn.draw(number)
    drawn.outputs.close()
    assert [picture.shape[:2] for _, picture in kept.pictures] == [(32, 64)] * 3 + [(24, 48)] * 3
    assert [int(picture[0, 0, 0]) for _, picture in kept.pictures] == list(range(6))
    assert kept.sizes == [(48, 24)]


def test_memory_of_pictures_is_used_again_and_never_while_anybody_looks_at_it(stack: ExitStack) -> None:
    drawn, kept = Drawn(stack), Kept()
    seen: list[ByteArray] = []
    kept.write_picture = lambda rgba, t_s: seen.append(rgba[::2, ::2])  # type: ignore[method-assign] # keeps what it must not
    drawn.outputs.add(kept)
    for number in range(40):
        drawn.draw(number)
    drawn.outputs.close()
    assert [int(picture[0, 0, 0]) for picture in seen] == list(range(40))
    seen.clear()
    again = Kept()
    places: set[int] = set()
    again.write_picture = lambda rgba, t_s: places.add(rgba.ctypes.data)  # type: ignore[method-assign]
    drawn.outputs.add(again)
    for number in range(40):
        drawn.draw(number)
        while again._waiting:
            time.sleep(0.001)
    assert len(places) <= 8


def test_a_sink_that_fails_is_told_once_and_left_out_and_the_others_go_on(stack: ExitStack) -> None:
    drawn, good, bad = Drawn(stack), Kept("good"), Kept("bad")
    bad.fail = True
    drawn.outputs.add(bad)
    drawn.outputs.add(good)
    for number in range(60):
        drawn.draw(number)
    bad.wait_closed(10.0)
    drawn.draw(60)
    assert len(drawn.outputs) == 1
    told = drawn.outputs.figures()
    assert (told["output_1"], told["output_1_state"], told["output_2_state"]) == ("bad", "failed", "open")
    drawn.outputs.close()
    assert [int(picture[0, 0, 0]) for _, picture in good.pictures] == list(range(61))
    assert drawn.said.count("expected output bad to go on; got no ink; kept everything else") == 1
    assert not any(said.startswith("bad:") for said in drawn.said)


def test_a_port_still_taken_after_a_crash_is_tried_again_until_it_is_free(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.show.outputs.RETRY_S", 0.05)
    before = MjpegSink(port=0)
    before.open((64, 32), 30.0, 0, paced=True)
    drawn, again = Drawn(stack), MjpegSink(port=before.port)
    drawn.outputs.add_again(again)
    assert "Address already in use" in drawn.said[0]
    assert drawn.said[0].endswith("kept playing without it")
    for number in range(3):
        drawn.draw(number)
        time.sleep(0.06)
    assert len(drawn.outputs) == 0
    before.close()
    deadline = time.monotonic() + 10.0
    while not len(drawn.outputs):
        assert time.monotonic() < deadline
        drawn.draw(1)
        time.sleep(0.06)
    assert drawn.said[1:] == [f"the picture is at http://127.0.0.1:{before.port}/"]


class Slow(Kept):
    """Cannot be had at first, and then takes its time."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.tries, self.gate = 0, threading.Event()

    def acquire(self) -> None:
        self.tries += 1
        if self.tries == 1:
            raise RuntimeError("no such host")
        self.gate.wait(30.0)


def test_an_output_that_is_waited_for_is_looked_up_beside_the_show(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.show.outputs.RETRY_S", 0.0)
    drawn, slow = Drawn(stack), Slow()
    stack.callback(slow.gate.set)
    drawn.outputs.add_again(slow)
    assert drawn.said == ["expected output slow to open; got RuntimeError: no such host; kept playing without it"]
    began = time.monotonic()
    while slow.tries < 2:
        drawn.draw(1)
        assert time.monotonic() - began < 20.0
    for number in range(20):
        drawn.draw(number)
    assert len(drawn.outputs) == 0
    drawn.resize(48, 24)
    drawn.outputs.resize((48, 24))
    slow.gate.set()
    while not len(drawn.outputs):
        drawn.draw(1)
        assert time.monotonic() - began < 20.0
    drawn.draw(7)
    drawn.outputs.close()
    assert slow.tries == 2
    assert slow.sizes == [(48, 24)]
    assert slow.pictures[-1][1].shape == (24, 48, 4)
    assert drawn.said[1] == "output slow"


@pytest.mark.parametrize("hook", ["wants_pictures", "announcement"])
def test_a_hook_that_fails_while_drawing_ends_that_output_alone(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    def fail() -> None:
        raise RuntimeError("no ink")

    drawn, good, bad = Drawn(stack), Kept("good"), Kept("bad")
    monkeypatch.setattr(bad, hook, fail)
    drawn.outputs.add(bad)
    drawn.outputs.add(good)
    drawn.draw(0)
    assert bad.wait_closed(20.0)
    for number in range(1, 9):
        drawn.draw(number)
    drawn.outputs.close()
    assert [int(picture[0, 0, 0]) for _, picture in good.pictures] == list(range(9))
    assert drawn.said.count("expected output bad to go on; got no ink; kept everything else") == 1


def test_an_output_that_cannot_be_opened_for_any_reason_is_refused_like_a_taken_port(stack: ExitStack) -> None:
    with pytest.raises(OSError, match="expected output slow to open; got RuntimeError: no such host"):
        Drawn(stack).outputs.add(Slow())


def test_a_sink_that_hangs_forever_holds_up_no_frame_of_the_show_and_no_other_sink(stack: ExitStack) -> None:
    live, _ = performing(stack, open_sound("synthetic", False, True, 0))
    until(live, lambda: live.frames > 3)
    good, hung = Kept("good"), Kept("hung")
    hung.hold = threading.Event()
    stack.callback(hung.hold.set)
    live.outputs.add(hung)
    live.outputs.add(good)
    before = live.frames
    until(live, lambda: live.frames > before + 60)
    told = figures(live)
    assert told["output_1_state"] == "open"
    assert float(told["output_1_dropped"]) > 30
    assert told["output_2_dropped"] == 0
    assert live.frames - before - 3 <= len(good.pictures) <= live.frames - before
    times = np.diff([t_s for t_s, _ in good.pictures])
    assert times.min() > 0.0
    assert good.sounds[-1][0] - good.sounds[0][0] > 0.8 * (good.pictures[-1][0] - good.pictures[0][0])
    live.outputs.remove(good)
    until(live, lambda: any("good:" in message for message in live.messages))


def test_a_show_on_stage_is_seen_in_a_browser_and_filmed_at_once(stack: ExitStack, tmp_path: Path) -> None:
    live, _ = performing(stack, open_sound("synthetic", False, True, 0))
    until(live, lambda: live.generator.status().state == "playing", 120.0)
    mjpeg = MjpegSink(port=0)
    live.outputs.add(mjpeg)
    live.record_to(tmp_path / "show.mp4")
    assert live.recording.seconds is not None
    seen: list[bytes] = []

    def browse() -> None:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{mjpeg.port}/frame.jpg", timeout=30.0) as answer:
                seen.append(answer.read())

    browser = threading.Thread(target=browse)
    browser.start()
    until(live, lambda: len(seen) == 3 and live.recording.seconds is not None and live.recording.seconds > 2.0)
    browser.join()
    live.record(False)
    assert live.recording.seconds is None
    until(live, lambda: any("show.mp4: " in message and "pictures, 0 dropped" in message for message in live.messages))
    pictures = [np.asarray(Image.open(io.BytesIO(jpeg))) for jpeg in seen]
    assert all(picture.shape == (SIZE[1], SIZE[0], 3) and picture.std() > 5.0 for picture in pictures)
    with av.open(str(tmp_path / "show.mp4")) as container:
        assert len(list(container.decode(video=0))) > 20


def test_a_film_feeds_all_its_outputs_every_frame(tmp_path: Path) -> None:
    path, kept, mjpeg = tmp_path / "film.mp4", Kept(), MjpegSink(port=0)
    said: list[str] = []
    seen: list[bytes] = []

    def browse() -> None:
        while mjpeg.status().state == "new":
            time.sleep(0.01)
        with urllib.request.urlopen(f"http://127.0.0.1:{mjpeg.port}/stream.mjpg", timeout=120.0) as answer:
            seen.append(answer.read())  # to its end

    source = open_sound("synthetic", False, False, 0)
    generator = open_model("light", "auto", patient=True)
    instrument = Instrument(find_patch("first-light"), generator.info, source.inputs)
    browser = threading.Thread(target=browse)
    browser.start()
    try:
        generator.start()
        frames = film(instrument, source, generator, (FilmSink(path), mjpeg, kept), SIZE, 30.0, 2.0, say=said.append)
    finally:
        generator.close()
        source.close()
    browser.join()
    assert frames == 60
    assert [round(30 * t_s) for t_s, _ in kept.pictures] == list(range(60))
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 60
    for shown, (_, drawn) in zip(pictures, kept.pictures, strict=True):
        assert np.abs(shown.astype(int) - drawn[..., :3]).mean() < 6.0
    shown_last = seen[0].rpartition(b"\r\n\r\n")[2]
    picture = np.asarray(Image.open(io.BytesIO(shown_last)))
    assert min(np.abs(picture.astype(int) - drawn[..., :3]).mean() for _, drawn in kept.pictures) < 6.0
    assert mjpeg.status().dropped == 0
    assert f"{path}: 60 pictures, 0 dropped" in said


@pytest.mark.parametrize("mode", [("render",), ("play", "--headless", "--unsupervised", "--midi", "off", "--osc-bind", "off")])
def test_a_show_that_cannot_begin_for_a_port_writes_over_no_film(tmp_path: Path, mode: tuple[str, ...]) -> None:
    path = tmp_path / "show.mp4"
    path.write_bytes(b"filmed before")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = (*mode, "--output", str(path), "--output", f"mjpeg:{port}", "--seconds", "1", "--size", "320x180")
        command = [sys.executable, "-m", "engine.cli", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"clavilux: expected 127.0.0.1:{port} free for HTTP; got Address already in use" in done.stderr
    assert path.read_bytes() == b"filmed before"


def test_a_film_whose_outputs_have_all_failed_ends(tmp_path: Path) -> None:
    bad = Kept("bad")
    bad.fail = True
    said: list[str] = []
    source = open_sound("synthetic", False, False, 0)
    generator = open_model("light", "auto", patient=True)
    instrument = Instrument(find_patch("first-light"), generator.info, source.inputs)
    try:
        generator.start()
        frames = film(instrument, source, generator, (bad,), SIZE, 30.0, 600.0, say=said.append)
    finally:
        generator.close()
        source.close()
    assert frames < 600
    assert any("got no ink" in message for message in said)
