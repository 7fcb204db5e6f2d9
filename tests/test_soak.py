"""The long forms of the show, `make soak`."""

import os
import threading
import time
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from performing import performing, until

from engine.guard.health import allocated_mb
from engine.show.perform import open_sound

MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))


@pytest.mark.soak
@pytest.mark.timeout(60 * (MINUTES + 5))
def test_ten_minutes_unattended() -> None:
    """The demo, over and over: no white-out, no stuck look, flat memory, no thread or file left open."""
    luma: list[float] = []
    moved: list[float] = []
    pictures: list[np.ndarray] = []

    def look(stage: Any, _tick: Any) -> None:
        if len(luma) == 0 or time.monotonic() - look.seen_s > 0.25:  # type: ignore[attr-defined]
            look.seen_s = time.monotonic()  # type: ignore[attr-defined]
            picture = stage.read()[::4, ::4, :3].astype(np.float32)
            luma.append(float(picture.mean()) / 255)
            if pictures:
                moved.append(float(np.abs(picture - pictures[-1]).mean()) / 255)
            pictures[:] = [picture]

    def standing() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    with ExitStack() as stack:
        live, listening = performing(stack, open_sound("demo", True, True, 0), on_frame=look)
        until(live, lambda: live.generator.status().state == "playing", 120.0)
        live.run(60.0)
        before_mb, before = allocated_mb(os.getpid()), standing()
        frames, started = live.frames, time.monotonic()
        live.run(60.0 * MINUTES)
        rate_hz = (live.frames - frames) / (time.monotonic() - started)
        grown_mb = allocated_mb(os.getpid()) - before_mb
        print(f"{rate_hz:.2f} frames/s, memory grew {grown_mb:.2f} MB, {live.generator.status()}")
        print(f"brightness {np.percentile(luma, (1, 50, 99)).round(3)}, least movement {np.min(moved):.5f}")
        assert standing() == before
        assert listening.faults == 0
        assert live.generator.status().restarts == 0
        assert grown_mb < 10.0
        assert np.percentile(luma, 99) < 0.9, "white-out"
        assert np.percentile(luma[20:], 1) > 0.02, "black"
        stuck = np.convolve(np.array(moved) < 0.002, np.ones(8), "valid") >= 8
        assert not stuck.any(), "a look that stands still for two seconds"
