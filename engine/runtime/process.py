"""A generator in a process of its own, as the show sees it: send latents, poll frames, and never mind if it dies."""

import importlib.util
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.runtime.card import load_card
from engine.runtime.incarnation import Incarnation
from engine.runtime.link import frame, latent_dtype, latent_record
from engine.runtime.vigil import LOOK_S, Vigil
from engine.slots import Record
from engine.types import Frame, GeneratorInfo, Tick

RUNTIMES = ("openvino", "torch")  # what "auto" tries, best first
CALM_S = 10.0  # after so long a life, earlier failures are forgotten
FREE_FAILURES = 3  # in a row are followed by a restart at once; every further one doubles pause and patience
FIRST_PAUSE_S, MOST_DOUBLINGS = 0.5, 6
TRIES = 2  # of a runtime that never drew a frame


@dataclass(frozen=True, slots=True)
class GeneratorStatus:
    """How a generator process fares. `state`: starting, warm, playing, restarting, failed (given up) or closed."""

    state: str
    fps: float  # frames drawn a second, over the last two
    ms_p50: float  # median time of a frame
    restarts: int
    message: str  # what is being done, or what went wrong last
    runtime: str


class GeneratorProcess:
    """Runs a model in a spawned process, watches it, and replaces it when it dies or hangs.

    Threads: `send` from one, `poll` or `wait_for` from one, `status` from any. A watch thread starts and ends the
    processes. A replacement has new shared segments and at once gets the newest latent; the frame of a tick is the same
    whichever process draws it.
    """

    def __init__(self, model: Path, runtime: str = "auto", threads: int | None = None) -> None:
        """`model` is a folder with a model.toml. `threads` defaults to all cores but one, four at most.

        Raises CardError for a model that cannot be used, ValueError for an unknown runtime.
        """
        known = [name for name in RUNTIMES if importlib.util.find_spec(name) is not None]
        if runtime not in ("auto", *known):
            raise ValueError(f"expected a runtime, one of auto, {', '.join(known)}; got {runtime!r}")
        self._card = load_card(model)
        self._choices = known if runtime == "auto" else [runtime]
        self._threads = threads if threads is not None else max(1, min(4, _cores() - 1))
        self._latent_dtype = latent_dtype(self._card)
        self._current: Incarnation | None = None
        self._newest: Record | None = None
        self._sent = 0
        self._polled: tuple[Incarnation | None, int] = (None, 0)
        self._status = GeneratorStatus("starting", 0.0, 0.0, 0, "", self._choices[0])
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep_alive, name="generator-watch", daemon=True)

    @property
    def info(self) -> GeneratorInfo:
        """What the model offers; known before it is warm."""
        return self._card.info(self._status.runtime)

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        current = self._current
        return None if current is None else current.pid

    def start(self) -> None:
        """Begin to start the process, and return at once."""
        self._watch.start()

    def send(self, tick: Tick) -> None:
        """Make the latent of `tick` the next one to be drawn; one that was not drawn yet is dropped. Never waits.

        Raises ValueError if the latent has another model's shape.
        """
        record = latent_record(tick, self._sent + 1, self._latent_dtype)
        self._sent += 1
        self._newest = record
        current = self._current
        if current is not None:
            current.send(record)

    def poll(self) -> Frame | None:
        """A frame that was not returned before, or None. Never waits; copies once."""
        found = self._newer()
        return None if found is None else found[1]

    def wait_for(self, tick_number: int, timeout_s: float) -> Frame:
        """The frame of the tick sent last, which must be `tick_number`; for films, where no frame is dropped.

        Raises ValueError if another tick was sent last, RuntimeError if the generator has failed, TimeoutError.
        """
        sent = self._newest
        if sent is None or sent["tick"] != tick_number:
            last = None if sent is None else sent["tick"]
            raise ValueError(f"expected to wait for the tick sent last, {last}; got {tick_number}")
        deadline = time.monotonic() + timeout_s
        while True:
            found = self._newer()
            if found is not None and found[0] == sent["number"]:
                return found[1]
            status = self.status()
            if status.state in ("failed", "closed"):
                raise RuntimeError(
                    f"expected a frame of tick {tick_number}; got a generator that {status.state}: {status.message}"
                )
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected a frame of tick {tick_number} within {timeout_s} s; got none ({status})")
            time.sleep(0.0005)

    def status(self) -> GeneratorStatus:
        """How it fares, at most 50 ms old."""
        return self._status

    def close(self) -> None:
        """End the process and remove its shared memory. Takes up to a second; may be called again."""
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _newer(self) -> tuple[int, Frame] | None:
        current = self._current
        if current is None:
            return None
        found = current.frames.newer(self._polled[1] if self._polled[0] is current else 0)
        if found is None:
            return None
        self._polled = (current, found[0])
        return int(found[1]["number"]), frame(found[1], found[0])

    def _keep_alive(self) -> None:
        """The watch thread: one life after another, until told to stop or not worth another try."""
        choice = restarts = failures = excess = 0
        ever_warm, said = False, ""
        while True:
            runtime = self._choices[choice]
            vigil = Vigil(time.monotonic(), 2.0**excess)
            fault = self._live(runtime, vigil, restarts, said)
            if self._stop.is_set():
                break
            restarts += 1
            said = f"{runtime}: {fault}"
            ever_warm = ever_warm or vigil.warm
            failures = 1 if vigil.lived_s > CALM_S else failures + 1
            if not ever_warm and failures == TRIES:
                if choice + 1 == len(self._choices):
                    self._tell("failed", restarts, said, runtime)
                    return
                choice, failures = choice + 1, 0
                said = f"{said}; {self._choices[choice]} runs instead"
            excess = min(max(failures - FREE_FAILURES, 0), MOST_DOUBLINGS)
            pause_s = FIRST_PAUSE_S * 2.0 ** (excess - 1) if excess else 0.0
            told = f"{said}; trying again in {pause_s:.1f} s" if pause_s else said
            self._tell("restarting", restarts, told, self._choices[choice])
            self._stop.wait(pause_s)
        self._tell("closed", restarts, said, self._choices[choice])

    def _live(self, runtime: str, vigil: Vigil, restarts: int, said: str) -> str:
        """One life, from the start of a process to its end; what went wrong with it."""
        try:
            incarnation = Incarnation(self._card, runtime, self._threads)
        except OSError as error:
            return f"could not start: {error}"
        self._current = incarnation
        if self._newest is not None:
            incarnation.send(self._newest)
        fault, beat, pulse = "", 0, None
        while not fault and not self._stop.wait(LOOK_S):
            beat, pulse = incarnation.pulse.newer(beat) or (beat, None)
            fault = vigil.look(time.monotonic(), incarnation.alive, beat, pulse, self._sent)
            state = "playing" if vigil.playing else "warm" if vigil.warm else "restarting" if restarts else "starting"
            self._tell(state, restarts, vigil.message or said, runtime, vigil)
        self._current = None
        if fault and not vigil.hung:
            fault = incarnation.last_words()
        incarnation.end(now=bool(fault))
        return fault

    def _tell(self, state: str, restarts: int, message: str, runtime: str, vigil: Vigil | None = None) -> None:
        fps, ms_p50 = (vigil.fps, vigil.ms_p50) if vigil is not None else (0.0, 0.0)
        self._status = GeneratorStatus(state, fps, ms_p50, restarts, message, runtime)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
