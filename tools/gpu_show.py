"""Pictures on their way to the stage, and a whole show, on a card: `python -m tools.gpu_show transfer|show quick|whole`.

Prints a line of JSON. The show hears the synthetic song and draws 1920x1080 without a display, 60 times a second; its network
is the bundled one. It is measured with pictures that stay on the card, with pictures that do not, and the faster of the two
while another engine is built beside it and OSC floods it.
"""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import numpy as np

from engine.bench import frame_transfer
from engine.bench.osc_to_screen import free_port
from engine.core.resources import find
from engine.core.types import GpuPicture, Tick
from engine.instrument.instrument import Instrument, find_patch
from engine.runtime.nvidia import cards
from engine.runtime.worker.process import GeneratorProcess
from engine.show.analysis_thread import AnalysisThread
from engine.show.options import PlayOptions
from engine.show.perform import SWITCH_S, open_sound
from engine.show.realtime import RealtimeShow
from engine.show.remotes import Remotes
from engine.show.status import figures as show_figures
from engine.stage.gl_context import Waiter, headless_context
from engine.stage.stage import Stage

SIZE, RATE_HZ = (1920, 1080), 60.0
WARM_S, START_LIMIT_S = 3.0, 120.0
MODEL, PATCH = "light", "first-light"


class Watch:
    """When each picture was on the card's screen side, and how old the sound in it was."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter
        self._seen: object = None
        self.drawn_s: list[float] = []
        self.heard_ms: list[float] = []  # from the newest sound in a network picture to its first display
        self.fast_ms: list[float] = []  # from the newest sound in a picture to its display
        self.on_gpu = self.by_host = 0

    def take(self, stage: Stage, tick: Tick) -> None:
        """Called after each drawn frame."""
        self._waiter.wait()
        now = time.monotonic()
        self.drawn_s.append(now)
        self.fast_ms.append((now - tick.t_heard) * 1e3)
        frame = stage.newest_frame
        if frame is not None and frame is not self._seen:
            self._seen = frame
            self.heard_ms.append((now - frame.t_heard) * 1e3)
            self.on_gpu += isinstance(frame.rgba, GpuPicture)
            self.by_host += not isinstance(frame.rgba, GpuPicture)

    def clear(self) -> None:
        """Forget what came before."""
        self.drawn_s, self.heard_ms, self.fast_ms, self.on_gpu, self.by_host = [], [], [], 0, 0


def show(on_gpu: bool, seconds: float, loaded: bool, runtime: str) -> dict[str, Any]:
    """One show. `loaded`: while another engine is built beside it and OSC floods it."""
    with ExitStack() as stack:
        generator = GeneratorProcess(find("models", MODEL), runtime, on_gpu=on_gpu)
        stack.callback(generator.close)
        generator.start()
        began = time.monotonic()
        while generator.status().state not in ("warm", "playing"):
            status = generator.status()
            if status.state == "failed" or time.monotonic() - began > START_LIMIT_S:
                raise RuntimeError(f"expected a generator that plays; got {status}")
            time.sleep(0.05)
        started_s = time.monotonic() - began
        source = open_sound("synthetic", False, True, 0)
        instrument = Instrument(find_patch(PATCH), generator.info, source.inputs, 0)
        context = headless_context()
        stack.callback(context.release)
        analysis_thread = AnalysisThread(instrument, source, generator.send)
        stack.callback(analysis_thread.close)
        watch = Watch(Waiter())
        show = RealtimeShow(instrument, analysis_thread, generator, context, SIZE, RATE_HZ, on_frame=watch.take)
        stack.callback(show.close)
        port = free_port()
        hands = Remotes(PlayOptions(osc_bind=f"127.0.0.1:{port}", midi="off"), instrument, show.say, lambda: show_figures(show))
        stack.callback(hands.close)
        show.remotes = hands
        analysis_thread.followers.append(hands.follow)
        analysis_thread.start()
        show.run(WARM_S)
        watch.clear()
        beside = []
        if loaded:
            order = {"model": str(find("models", MODEL)), "form": "compiled", "batch": 1, "seconds": 0.1, "checkout": ""}
            build = [sys.executable, "-m", "tools.gpu_contender", json.dumps(order)]
            flood = [sys.executable, "-m", "engine.bench.osc_sender", "flood", "--port", str(port), "--seconds", str(seconds)]
            beside = [
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in (build, flood)
            ]
        show.run(seconds)
        for process in beside:
            process.kill()
            process.wait()
        status = generator.status()
        gaps = np.diff(watch.drawn_s) * 1e3
        return {
            "frames": status.frames,
            "runtime": status.runtime,
            "renderer": str(context.info["GL_RENDERER"]),
            "start_s": round(started_s, 2),
            "network_pictures": {"on_card": watch.on_gpu, "by_host": watch.by_host},
            "host_copies_a_frame": round(watch.by_host / max(watch.by_host + watch.on_gpu, 1), 3),
            "network_fps": round(show.made.rate_hz, 1),
            "network_ms_p50": round(status.ms_p50, 3),
            "sound_to_network_picture_ms": _percentiles(watch.heard_ms),
            "sound_to_picture_ms": _percentiles(watch.fast_ms),
            "between_pictures_ms": _percentiles(gaps.tolist()),
            "messages": list(show.messages),
            "samples": {"heard_ms": np.round(watch.heard_ms, 3).tolist(), "gap_ms": np.round(gaps, 3).tolist()},
        }


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{share}": round(float(np.percentile(values, share)), 3) for share in (50, 95, 99)} if values else {}


def main() -> None:
    """Measure and print."""
    what, quick = sys.argv[1], sys.argv[2] == "quick"
    sys.setswitchinterval(SWITCH_S)
    if what == "transfer":
        print(json.dumps(frame_transfer.measure(100 if quick else 500)))
        return
    seconds, runtime = (5.0, "cuda") if quick else (30.0, "cuda")
    if not cards():
        runtime = "auto"
    found: dict[str, Any] = {}
    for name, on_gpu in (("card", True), ("host", False)):
        found[name] = show(on_gpu, seconds, False, runtime)
    faster = min(found, key=lambda name: found[name]["sound_to_network_picture_ms"].get("p95", np.inf))
    found["loaded"] = show(faster == "card", seconds, True, runtime)
    print(json.dumps(found | {"faster": faster, "size": SIZE, "rate_hz": RATE_HZ}))


if __name__ == "__main__":
    main()
