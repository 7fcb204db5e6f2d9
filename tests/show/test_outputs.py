"""A set of outputs: fed alike, each on its own."""

import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from kept_sink import Kept

from engine.core.types import ByteArray
from engine.instrument.instrument import RATE_HZ
from engine.outputs.mjpeg import MjpegSink
from engine.show.outputs import OutputSet
from engine.stage.gl_context import headless_context


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
