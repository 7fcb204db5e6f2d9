"""Outputs of a whole show and of a film: what they show, film and survive."""

import io
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import av
import numpy as np
import pytest
from kept_sink import Kept
from performing import performing, until
from PIL import Image

from engine.instrument.instrument import Instrument, find_patch
from engine.outputs.film import FilmSink
from engine.outputs.mjpeg import MjpegSink
from engine.show.film import film
from engine.show.perform import open_model, open_sound
from engine.show.status import figures

SIZE = (320, 180)


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
