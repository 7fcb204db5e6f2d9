"""One lifetime of a generator process, as its parent holds it: the process, its three shared segments and what it wrote."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress

from engine.core.slots import Record, SharedSlot
from engine.runtime.card import ModelCard
from engine.runtime.compile.compiled_model import environment
from engine.runtime.worker.frame_ring import CLAIM, Claims, FrameRing
from engine.runtime.worker.protocol import PLACE, WORKER_STATUS, frame_dtype, latent_dtype

LEAVE_S = 1.0  # for a process that was asked to end


class Lifetime:
    """Starts the process at once. The segments are new ones, so a predecessor that still writes reaches nobody.

    The thread that makes it must outlive it: on Linux the process dies with that thread.
    """

    def __init__(self, card: ModelCard, runtime: str, threads: int, ring: FrameRing | None = None) -> None:
        """With a `ring`, pictures stay on the card where the runtime can leave them there.

        The ring stays the caller's, to be closed by the thread that copies from it when this has ended.
        """
        self.runtime = runtime
        self._sending, self._ended, self._number = threading.Lock(), False, 0
        self._slots: list[SharedSlot] = []
        dtypes = [latent_dtype(card), frame_dtype(card), WORKER_STATUS, *([CLAIM, PLACE] if ring is not None else [])]
        try:
            for dtype in dtypes:
                self._slots.append(SharedSlot.create(dtype))
        except OSError:
            self._unlink()
            raise
        self.latents, self.frames, self.status_slot, *more = self._slots
        given = {"model": str(card.folder), "runtime": runtime, "threads": threads, "parent": os.getpid()}
        given |= {"latents": self.latents.name, "frames": self.frames.name, "status": self.status_slot.name}
        self.gpu_frames: Claims | None = None
        if ring is not None:
            claims, places = more
            self.gpu_frames = Claims(ring, places, claims)
            given |= {"ring": ring.handle.hex(), "claims": claims.name, "places": places.name}
        # A plain process instead of multiprocessing's: that would import the show's main module again, GL and all.
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  # closed by end()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.runtime.worker.worker", json.dumps(given)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=self._words,
            stderr=self._words,
        )
        assert self._process.stdin is not None
        self._wake = self._process.stdin.fileno()
        if os.name == "posix":
            os.set_blocking(self._wake, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def failed(self) -> bool:
        """Whether it has reported the error that it ends with."""
        found = self.status_slot.get()
        return found is not None and bool(found["failed"])

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, latent: Record) -> None:
        """Publish a latent and wake the process; any thread may. Does not wait for it."""
        with self._sending:
            if self._ended or latent["number"] <= self._number:  # two threads may send, the later one the older
                return
            self._number = latent["number"]
            self.latents.put(latent)
            with suppress(OSError):  # full: it has been woken. Broken: the watch sees to it.
                os.write(self._wake, b"\0")

    def last_words(self) -> str:
        """Why a dead process died: the error it reported, or the signal, or the last line it wrote."""
        found = self.status_slot.get()
        if found is not None and found["failed"]:
            return str(found["message"].decode(errors="replace"))
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").strip().splitlines()
        return f"exit code {code}{': ' + lines[-1] if lines else ''}"

    def end(self, now: bool) -> None:
        """End the process, politely or `now`, and remove its segments. Waits for that, but not for long."""
        assert self._process.stdin is not None
        with self._sending:  # the number of a closed file may soon be another file's
            self._ended = True
            with suppress(OSError):
                self._process.stdin.close()
        if not now:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVE_S)
        if self.alive:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):  # a debugger or a broken driver may hold it; nothing waits for that
                self._process.wait(LEAVE_S)
        self._unlink()
        self._words.close()

    def _unlink(self) -> None:
        for slot in self._slots:
            slot.close()
