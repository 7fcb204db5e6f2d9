"""A generator in a process of its own, as the show sees it: send latents, poll frames, and never mind if it dies."""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from engine.core.cuda import CudaError
from engine.core.slots import Record
from engine.core.starvation import Starving
from engine.core.types import Frame, GeneratorInfo, Tick
from engine.runtime.available import availabilities, availability, backend, reasons
from engine.runtime.card import load_card
from engine.runtime.compile.compiled_model import ready
from engine.runtime.worker.fallback import Fallback
from engine.runtime.worker.frame_ring import FrameRing
from engine.runtime.worker.lifetime import Lifetime
from engine.runtime.worker.protocol import frame, gpu_frame, latent_dtype, latent_record
from engine.runtime.worker.upgrade import Upgrade
from engine.runtime.worker.watchdog import LOOK_S, Watchdog


@dataclass(frozen=True, slots=True)
class GeneratorStatus:
    """How a generator process fares. `state`: starting, warm, playing, restarting, failed (given up) or closed."""

    state: str
    fps: float  # frames drawn a second, over the last two
    ms_p50: float  # median time of a frame
    restarts: int
    message: str  # what is being done, or what went wrong last
    runtime: str
    why: str = ""  # that runtime plays, and what keeps better ones from playing
    frames: str = "host"  # which way pictures take: card, or host and, where it was to be the card, why not


class GeneratorProcess:
    """Runs a model in a spawned process, watches it, and replaces it when it dies or hangs.

    Threads: `send` from one, `poll` or `wait_for` from one, `status` from any. A watch thread starts and ends the
    processes. A replacement has new shared segments and at once gets the newest latent; the frame of a tick is the same
    whichever process draws it.
    """

    def __init__(
        self, model: Path, runtime: str = "auto", threads: int | None = None, patient: bool = False, on_gpu: bool = False
    ) -> None:
        """`model` is a folder with a model.toml. `threads` defaults to all cores but one, four at most.

        With "auto" the best runtime that is ready plays at once; a better one is compiled beside it, if it must be, and takes
        over when it draws. `patient`: the best one is waited for instead, so that one runtime draws everything. `on_card`:
        pictures stay on the card where the runtime can leave them there; see `refuse_card_frames`.

        Raises CardError for a model that cannot be used, ValueError for a runtime that is unknown or cannot play here.
        """
        chosen = availabilities() if runtime == "auto" else (availability(runtime),)
        self._available = tuple(found for found in chosen if found.works)
        if not self._available:
            raise ValueError(f"expected a runtime that works here; got {reasons(chosen)}")
        self._missing = reasons(found for found in chosen if not found.works)
        self._asked = runtime
        self._card = load_card(model)
        self._info = self._card.info("")
        self._choices = [found.runtime for found in self._available]
        begin = next((name for name in self._choices if ready(self._card, name)), self._choices[0])
        self._fallback = Fallback(self._choices, self._choices[0] if patient else begin)
        self._upgrade = Upgrade(self._card, self._choices[: self._choices.index(self._fallback.runtime)])
        self._threads = threads if threads is not None else max(1, min(4, _cores() - 1))
        self._latent_dtype = latent_dtype(self._card)
        self._current: Lifetime | None = None
        self._newest: Record | None = None
        self._sent = 0
        self._polled: tuple[Lifetime | None, int, int] = (None, 0, 0)  # numbers of the last frames, host's and card's
        self._on_gpu, self._refused, self._way = on_gpu, False, "host"
        self._retired: list[tuple[Lifetime, FrameRing]] = []  # rings to be freed when their processes are gone
        self._status = GeneratorStatus("starting", 0.0, 0.0, 0, "", self._fallback.runtime, self._why(self._fallback.runtime))
        self._stop = threading.Event()
        self._watch = threading.Thread(target=self._keep_alive, name="generator-watch", daemon=True)

    @property
    def info(self) -> GeneratorInfo:
        """What the model offers; known before it is warm."""
        return replace(self._info, runtime=self._status.runtime)

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

    def refuse_gpu_frames(self, reason: str) -> None:
        """Have pictures come through the host's memory from the next one on. For the thread that polls."""
        self._on_gpu, self._refused, self._way = False, True, f"host: {reason}"
        current = self._current
        if current is not None and current.gpu_frames is not None:  # now: what is sent next may be drawn before the next poll
            current.gpu_frames.refuse()

    def status(self) -> GeneratorStatus:
        """How it fares, at most 50 ms old."""
        return self._status

    def close(self) -> None:
        """End the process and remove its shared memory. Takes up to a second; may be called again."""
        self._stop.set()
        if self._watch.is_alive():
            self._watch.join()
        self._tidy()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _newer(self) -> tuple[int, Frame] | None:
        self._tidy()
        current = self._current
        if current is None:
            return None
        seen, seen_card = self._polled[1:] if self._polled[0] is current else (0, 0)
        if current.gpu_frames is not None and self._refused:
            current.gpu_frames.refuse()
        placed = current.gpu_frames.newer(seen_card) if current.gpu_frames is not None else None
        if placed is not None:
            number, record, picture = placed
            self._polled, self._way = (current, seen, number), "card"
            return int(record["number"]), gpu_frame(record, picture, number)
        found = current.frames.newer(seen)
        if found is None:
            return None
        self._polled = (current, found[0], seen_card)
        self._way = "host" if self._way == "card" else self._way
        return int(found[1]["number"]), frame(found[1], found[0])

    def _tidy(self) -> None:
        """Free the rings of ended processes: on the thread that copies from them, so that it never copies from what is gone.

        One that a debugger or a broken driver holds may still draw into its ring, which stays until it is gone.
        """
        for lifetime, ring in [pair for pair in self._retired if not pair[0].alive]:
            self._retired.remove((lifetime, ring))
            with suppress(CudaError):  # of a card that has failed nothing can be taken back
                ring.close()

    def _ring(self, runtime: str) -> FrameRing | None:
        """A new ring for a process, where pictures are to stay on the card."""
        if not self._on_gpu or not backend(runtime).draws_on_gpu:
            return None
        try:
            return FrameRing.create(self._card.resolution)
        except CudaError as error:
            self._on_gpu, self._way = False, f"host: {error}"
            return None

    def _keep_alive(self) -> None:
        """The watch thread: one lifetime after another, until told to stop or not worth another try."""
        fallback, restarts, said = self._fallback, 0, ""
        life: _Life | None = None
        self._upgrade.begin()
        while not self._stop.is_set():
            try:
                life = life or _Life(self, fallback.runtime, fallback.patience)
                fault, successor = self._watch_over(life, restarts, said)
            except OSError as error:
                fault, successor = f"could not start: {error}", None
            if successor is not None:
                fallback.rise(successor.runtime)
                life, said = successor, f"{successor.runtime} has taken over"
                continue
            if self._stop.is_set():
                break
            lived_s, warm = (life.watchdog.lived_s, life.watchdog.warm) if life else (0.0, False)
            restarts, life, said = restarts + 1, None, f"{fallback.runtime}: {fault}"
            step = fallback.step(fault, lived_s, warm)
            if not step.runtime:
                self._tell("failed", restarts, said, fallback.runtime)
                self._upgrade.end()
                return
            said = f"{said}; {step.runtime} runs instead" if step.fell else said
            told = f"{said}; trying again in {step.pause_s:.1f} s" if step.pause_s else said
            self._tell("restarting", restarts, told, step.runtime)
            self._stop.wait(step.pause_s)
        self._upgrade.end()
        self._tell("closed", restarts, said, fallback.runtime)

    def _watch_over(self, life: "_Life", restarts: int, said: str) -> tuple[str, "_Life | None"]:
        """Until a process ends, what went wrong with it; or until a better one has taken its place, and that one."""
        successor: _Life | None = None
        self._current = life.lifetime
        if self._newest is not None:
            life.lifetime.send(self._newest)
        fault = ""
        while not fault and not self._stop.wait(LOOK_S):
            fault, watchdog = life.look(self._sent), life.watchdog
            state = "playing" if watchdog.playing else "warm" if watchdog.warm else "restarting" if restarts else "starting"
            self._tell(state, restarts, watchdog.message or self._upgrade.message or said, life.runtime, watchdog)
            if successor is None and watchdog.warm and (better := self._upgrade.take()):
                try:
                    successor = _Life(self, better, 1.0)
                except OSError as error:
                    self._upgrade.refuse(f"{better}: could not start: {error}; {life.runtime} plays on")
            if successor is not None:
                failed = successor.look(0)
                if failed:
                    self._upgrade.refuse(f"{successor.runtime}: {successor.end(failed)}; {life.runtime} plays on")
                    successor = None
                elif successor.watchdog.warm:
                    self._current = successor.lifetime
                    if self._newest is not None:
                        successor.lifetime.send(self._newest)
                    life.end("")
                    return "", successor
        self._current = None
        if successor is not None:
            successor.end("ended")
        return life.end(fault), None

    def _tell(self, state: str, restarts: int, message: str, runtime: str, watchdog: Watchdog | None = None) -> None:
        fps, ms_p50 = (watchdog.fps, watchdog.ms_p50) if watchdog is not None else (0.0, 0.0)
        self._status = GeneratorStatus(state, fps, ms_p50, restarts, message, runtime, self._why(runtime), self._way)

    def _why(self, runtime: str) -> str:
        if self._asked != "auto":
            return "asked for"
        better = self._choices[: self._choices.index(runtime)]
        passed = [f"{name}: {self._upgrade.state(name)}" for name in better]
        return "; ".join([*filter(None, [self._missing]), *passed]) or "the best of all"


class _Life:
    """One process and the vigil over it."""

    def __init__(self, of: GeneratorProcess, runtime: str, patience: float) -> None:
        self.runtime = runtime
        began_s = time.monotonic()
        self._of, self._ring = of, of._ring(runtime)
        try:
            self.lifetime = Lifetime(of._card, runtime, of._threads, self._ring)
        except OSError:
            if self._ring is not None:
                self._ring.close()
            raise
        self.watchdog = Watchdog(began_s, patience, Starving(self.lifetime.pid).since)
        self._beat = 0

    def look(self, sent: int) -> str:
        """What is wrong with it, or an empty string; `sent` is the number of the newest latent it was given."""
        self._beat, status = self.lifetime.status_slot.newer(self._beat) or (self._beat, None)
        return self.watchdog.look(time.monotonic(), self.lifetime.alive, self._beat, status, sent)

    def end(self, fault: str) -> str:
        """End the process, at once if there is a fault, and say what that was in its own last words."""
        if fault and (self.lifetime.failed or not self.watchdog.hung):  # one that reports an error may take long to leave
            fault = self.lifetime.last_words()
        self.lifetime.end(now=bool(fault))
        if self._ring is not None:
            self._of._retired.append((self.lifetime, self._ring))
        return fault


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
