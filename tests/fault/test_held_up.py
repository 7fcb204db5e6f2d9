"""Rows 2 to 4: control that hitches, clocks that jump, a machine that sleeps or is busy."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fullshow import Seen, Show, perform, periods_ms

from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.show.perform import open_model, open_sound

HOP_S = HOP / RATE_HZ
STALE_S = 0.1
MINUTES = float(os.environ.get("SOAK_MINUTES", "10"))


@contextmanager
def hitching(show: Show, hitch_s: float, every_s: float) -> Iterator[list[tuple[float, float]]]:
    """Hold up control by `hitch_s`, again and again; gives the begin and end of each hitch."""
    hitches: list[tuple[float, float]] = []
    due = time.monotonic()

    def hold(_tick: Any) -> None:
        nonlocal due
        if time.monotonic() >= due:
            began = time.monotonic()
            time.sleep(hitch_s)
            hitches.append((began, time.monotonic()))
            due = began + every_s

    show.analysis_thread.followers.append(hold)
    try:
        yield hitches
    finally:
        show.analysis_thread.followers.remove(hold)


@contextmanager
def all_cores_loaded() -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def prompt_s(quiet: Sequence[float]) -> float:
    """How old a tick may be when it is drawn, on a machine on which an undisturbed show draws ticks of the `quiet` ages."""
    return max(STALE_S, 2.0 * min(quiet))


def ages_s(frames: Sequence[Seen]) -> list[float]:
    return [frame.at_s - frame.t_heard for frame in frames]


def test_a_hitch_of_control_is_drawn_through_and_its_stale_ticks_are_counted(show: Show) -> None:
    limit_s, age_s = prompt_s(ages_s(show.run(1.0))), float("inf")
    stale = show.live.stale
    with hitching(show, 1.0, 2.0) as hitches:
        frames = show.run(4.5)
    counted = show.live.stale - stale
    end = time.monotonic() + 20.0
    while age_s > limit_s and time.monotonic() < end:  # and then control is as prompt as before
        age_s = min(ages_s(show.run(0.2) or show.seen[-1:]))
    assert len(hitches) >= 2
    inside = [sum(began < frame.at_s < ended for frame in frames) for began, ended in hitches]
    print(f"frames drawn within each hitch of 1 s: {inside}; {counted} of stale ticks; then {age_s * 1e3:.0f} ms")
    assert max(inside) >= 1, "the picture waited for control"
    # However busy the machine is besides: a frame's tick is judged between the end of the last drawing and that of its own.
    surely = sum(last.at_s - frame.t_heard > STALE_S for last, frame in itertools.pairwise(frames))
    perhaps = sum(age > STALE_S for age in ages_s(frames))
    assert max(surely, 1) <= counted <= perhaps
    assert age_s <= limit_s


def test_a_prompt_control_counts_no_stale_ticks(show: Show) -> None:
    for _ in range(20):  # on a busy machine it is late now and then, or always; what comes in time is not counted even then
        stale = show.live.stale
        ages = ages_s(show.run(0.5))
        late = sum(age > STALE_S for age in ages)
        assert show.live.stale - stale <= late
        if ages and not late:
            return


def ticks_of(hops: int, before_each: Callable[[], None]) -> list[bytes]:
    source = open_sound("synthetic", False, False, 0)
    instrument = Instrument(find_patch("first-light"), open_model("light", "auto").info, source.inputs)
    made = []
    for number in range(hops):
        before_each()
        hop = source.read(1.0)
        assert hop is not None
        if number == hops // 2:
            instrument.tree.post("/shader/bloom/amount", 0.7)
        tick = instrument.hear(hop.hops, hop.t_heard)
        made.append(tick.latent.z.tobytes() + tick.latent.noise.tobytes() + repr(sorted(tick.params.items())).encode())
    source.close()
    return made


def jumping(patch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Calls that set the wall clock of this process an hour forward and back, in turn."""
    wall_s, wall_ns, jumps = time.time, time.time_ns, itertools.cycle((3600, 0, -3600, 0))
    now = 0

    def jump() -> None:
        nonlocal now
        now = next(jumps)

    patch.setattr(time, "time", lambda: wall_s() + now)
    patch.setattr(time, "time_ns", lambda: wall_ns() + now * 10**9)
    return jump


def test_ticks_do_not_depend_on_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ticks_of(300, lambda: None)
    assert ticks_of(300, jumping(monkeypatch)) == expected


def test_a_wall_clock_that_jumps_neither_stops_the_show_nor_hurries_it(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    jump = jumping(monkeypatch)
    started, first, frames = time.monotonic(), show.analysis_thread.ticks.get(), 0
    for _ in range(6):
        jump()
        frames += len(show.run(0.25))
    passed_s, last = time.monotonic() - started, show.analysis_thread.ticks.get()
    assert first is not None
    assert last is not None
    lag_s = started - first.t_heard
    # Ticks go by the sample count; those of a quarter of a second before may be made up for, and how far it lagged at first.
    assert 0.1 * passed_s < (last.number - first.number) * HOP_S < passed_s + 0.5 + lag_s
    assert 0.1 * passed_s < frames / show.live.rate_hz < 1.5 * passed_s + 0.2


SLEEPER = """
import json, sys, time
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from fullshow import perform
with perform() as show:
    print(show.live.generator.pid, flush=True)
    show.run(0.5)
    print("playing", flush=True)
    show.run(5.0)
    print(json.dumps([show.seen, show.live.rate_hz, show.live.generator.status().restarts]), flush=True)
"""


def test_a_show_that_slept_goes_on_from_there_without_a_burst(tmp_path: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", SLEEPER, str(here), str(here.parent)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as sleeper:
        assert sleeper.stdout is not None
        try:
            generator = int(sleeper.stdout.readline())
            assert sleeper.stdout.readline() == "playing\n"
            time.sleep(0.3)
            for number in (signal.SIGSTOP, signal.SIGCONT):  # what a closed lid does to both
                os.kill(sleeper.pid, number)
                os.kill(generator, number)
                if number == signal.SIGSTOP:
                    time.sleep(1.5)
            seen, rate_hz, restarts = json.loads(sleeper.stdout.readline())
            assert sleeper.wait(60) == 0
        finally:
            sleeper.kill()
    at_s, numbers, heard_s = (np.array(column) for column in zip(*seen, strict=True))
    woke = int(np.argmax(np.diff(at_s))) + 1  # the first frame after the sleep
    slept_s = at_s[woke] - at_s[woke - 1]
    after = at_s - at_s[woke]
    soon = np.flatnonzero((after >= 0.0) & (after < 1.0))
    caught_up_s = (numbers[soon[-1]] - numbers[woke - 1]) * HOP_S
    prompt = np.flatnonzero(at_s[woke:] - heard_s[woke:] < prompt_s((at_s - heard_s)[:woke]))
    print(f"slept {slept_s:.2f} s; in the next {len(soon)} frames and {caught_up_s:.2f} s of ticks; prompt at {prompt[:1]}")
    assert slept_s > 1.4
    assert prompt.size, "control lags behind for good"
    assert after[woke + prompt[0]] < 2.5  # the goal is the next frame
    assert len(soon) <= 1.5 * rate_hz + 5, "a burst of frames"
    assert caught_up_s < 1.9, "a burst of ticks: the time slept was made up for"
    assert restarts == 0, "the generator was blamed for the sleep"


def test_a_show_on_loaded_cores_goes_on(show: Show) -> None:
    with all_cores_loaded():
        frames = show.run(1.5)
        seconds = frames[-1].at_s - frames[0].at_s
    p99_ms = np.percentile(periods_ms(frames), 99)
    print(f"{len(frames)} frames in {seconds:.1f} s, {p99_ms:.0f} ms p99")
    assert len(frames) > 0.1 * 1.5 * show.live.rate_hz


def test_frames_that_come_late_are_counted(show: Show) -> None:
    late, held = show.live.late, []

    def hold(_stage: Any, _tick: Any) -> None:
        if len(held) < 3 and (not held or time.monotonic() - held[-1] > 0.3):
            time.sleep(3.0 / show.live.rate_hz)
            held.append(time.monotonic())

    look, show.live._on_frame = show.live._on_frame, hold
    try:
        show.run(1.5)
    finally:
        show.live._on_frame = look
    assert len(held) == 3
    assert show.live.late >= late + 3


def compared(show: Show, disturbed: Callable[[], Any], seconds: float) -> tuple[list[float], list[float], int, int]:
    """Five interleaved pairs, quiet and disturbed: p99 of each in ms, and how many frames came after twice their period."""
    quiet, other = [], []
    over = [0, 0]
    for _ in range(5):
        for place, (figures, around) in enumerate(((quiet, contextless), (other, disturbed))):
            with around():
                found = periods_ms(show.run(seconds))
            figures.append(float(np.percentile(found, 99)))
            over[place] += int((found > 2e3 / show.live.rate_hz).sum())
    return quiet, other, over[0], over[1]


@contextmanager
def contextless() -> Iterator[None]:
    yield


@pytest.mark.soak
@pytest.mark.timeout(60 * (MINUTES + 5))
def test_display_is_unaffected_by_a_hitch_every_five_seconds() -> None:
    with perform() as show:
        show.run(10.0)
        quiet, hitched, over_quiet, over = compared(show, lambda: hitching(show, 0.2, 5.0), 6.0 * MINUTES)
        print(f"display p99 {np.round(quiet, 1)} ms quiet, {np.round(hitched, 1)} ms hitched; {over_quiet} and {over} over twice")
        assert show.live.stale > 0
        assert np.median(np.divide(hitched, quiet)) <= 1.1
        assert over <= over_quiet + 5


@pytest.mark.soak
@pytest.mark.timeout(60 * (MINUTES + 5))
def test_display_on_loaded_cores_keeps_one_and_a_half_budgets() -> None:
    with perform() as show:
        show.run(10.0)
        quiet, loaded, over_quiet, over = compared(show, all_cores_loaded, 6.0 * MINUTES)
        print(f"display p99 {np.round(quiet, 1)} ms quiet, {np.round(loaded, 1)} ms loaded; {over_quiet} and {over} over twice")
        # A machine that stalls on its own is over its budget when quiet as well: then that is the measure.
        budgets = np.maximum(quiet, 1e3 / show.live.rate_hz)
        assert np.median(np.divide(loaded, budgets)) <= 1.5
        assert show.live.late > 0
