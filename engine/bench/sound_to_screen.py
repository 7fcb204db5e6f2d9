"""A whole performance on this machine, measured from a sound played elsewhere to the first changed pixel.

The show runs here as it does in `clavilux play --headless`. Kicks come from another process through a PulseAudio
server that is started for the purpose; a bare timer loop runs in a third. The network is drawn all the time, but what moves
it on its own is held, so that an answer to a sound stands out. In the first half of the time all routes are open: the first
pixels to change are those that passes changed. In the second half only routes to the network's push are, so that the network
alone can move the picture.
"""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bench.latency_analysis import Answers, delays, first_changes
from engine.bench.measured_show import DISPLAY_HZ, Watch, performance, process
from engine.core.types import FloatArray, Tick, TickInput
from engine.guard.health import GilProbe, TimerProbe, uss_mb
from engine.instrument.instrument import HOP, RATE_HZ, Instrument
from engine.runtime.worker.process import GeneratorProcess

LOOPBACK_S = 20.0
WARM_S = 15.0  # the network's fade-in, caches filled
SAMPLE_S = 2.0
TO_NETWORK = "/pulse/"


class TimedInstrument(Instrument):
    """An instrument that notes what each hop costs its thread, in seconds of processor time."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.hops, self.analysis_s, self.control_s = 0, 0.0, 0.0

    def hear(self, hops: Mapping[str, FloatArray], t_heard: float) -> Tick:
        began, control_s = time.thread_time(), self.control_s
        tick = super().hear(hops, t_heard)
        self.hops += 1
        self.analysis_s += time.thread_time() - began - (self.control_s - control_s)
        return tick

    def step(self, given: TickInput) -> Tick:
        began = time.thread_time()
        tick = super().step(given)
        self.control_s += time.thread_time() - began
        return tick


class Sampler:
    """Asks every two seconds, on a thread of its own, how many frames the generator draws and what memory is held."""

    def __init__(self, generator: GeneratorProcess) -> None:
        self.rows: list[tuple[float, float, float, float]] = []  # seconds, frames/s, MiB of the show, MiB of the generator
        self._generator, self._stop = generator, threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._started = time.monotonic()
        self._thread.start()

    def memory_mb(self, seconds: float) -> float | None:
        """Of all processes at a time since the start; None if it did not last so long."""
        found = [show + generator for moment, _, show, generator in self.rows if moment >= seconds - SAMPLE_S]
        return round(found[0], 1) if found else None

    def stop(self) -> None:
        """End sampling."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            generator = self._generator
            held = (uss_mb(os.getpid()) or 0.0, uss_mb(generator.pid or 0) or 0.0)
            self.rows.append((round(time.monotonic() - self._started, 2), generator.status().fps, *held))


def loopback(seconds: float) -> tuple[float, ...]:
    """The audio path alone, with nothing else running: ms from a kick handed to one stream to its arrival in another."""
    with process("kick_listener", "--seconds", str(seconds + 2.0)) as heard:
        time.sleep(1.0)
        with process("kick_player", "--seconds", str(seconds)) as played:
            time.sleep(seconds)
    return delays(played, heard)


def measure(seconds: float, patch_name: str, model: str, runtime: str, size: tuple[int, int]) -> dict[str, Any]:
    """Perform for `seconds` after a warm-up, with the loopback measured before; all figures and their raw samples.

    Listens to the PulseAudio server of the environment. Raises RuntimeError if the generator does not start.
    """
    bare = loopback(LOOPBACK_S)
    watch = Watch()
    with performance(patch_name, model, runtime, "pulse", size, watch.take, TimedInstrument) as show:
        show.hold()
        instrument, generator = show.instrument, show.generator
        assert isinstance(instrument, TimedInstrument)
        gil, timer, sampler = GilProbe(), TimerProbe(DISPLAY_HZ), Sampler(generator)
        gil.start()
        show.analysis_thread.start()
        with process("kick_player", "--seconds", str(WARM_S + seconds)) as kicks:
            show.show.run(WARM_S + seconds / 2)
            turned = time.monotonic()
            show.mute(lambda address: not address.startswith(TO_NETWORK))
            show.show.run(seconds / 2)
        late_ms = timer.stop()
        gil.stop()
        sampler.stop()
        figures = summary(watch, turned, kicks, bare)
        hops, hop_us = instrument.hops, HOP / RATE_HZ * 1e6
        figures |= {
            "generator_fps": round(float(np.mean([row[1] for row in sampler.rows if row[0] > WARM_S])), 2),
            "analysis_us_per_hop": round(instrument.analysis_s / hops * 1e6, 1),
            "control_us_per_hop": round(instrument.control_s / hops * 1e6, 1),
            "hop_us": round(hop_us, 1),
            "hops_heard": hops,
            "overflows": show.source.status().overflows,
            "gil_gap_ms_p99": round(gil.p99_ms(), 2),
            "timer_ms_p99": percentile(intervals_ms(late_ms), 99),
            "uss_mb_60s": sampler.memory_mb(60.0),
            "uss_mb_300s": sampler.memory_mb(300.0),
            "patch": patch_name,
            "model": model,
            "runtime": generator.status().runtime,
            "stage": dict(show.show.stage.status()),
        }
        figures["samples"] |= {
            "timer_late_ms": [round(late, 3) for late in late_ms],
            "memory_mb": sampler.rows,
            "gil_gap_ms": [round(gap, 3) for gap in gil.gaps_ms],
        }
        return figures


def summary(watch: Watch, turned: float, kicks: Sequence[float], bare: Sequence[float]) -> dict[str, Any]:
    """The figures of display and latency, after the warm-up, with their samples."""
    times, changes = np.array(watch.times), np.array(watch.changes)
    begun = times[0] + WARM_S
    shader = first_changes(times, changes, [kick for kick in kicks if begun < kick < turned - 0.5])
    network = first_changes(times, changes, [kick for kick in kicks if kick > turned + 1.0])
    steady = times[times >= begun]
    periods_ms = np.diff(steady) * 1e3
    return {
        "display_fps": round((steady.size - 1) / (steady[-1] - steady[0]), 2),
        "display_ms_p50": percentile(periods_ms, 50),
        "display_ms_p99": percentile(periods_ms, 99),
        "draw_ms_p50": percentile(watch.draws_ms, 50),
        "loopback_ms_p50": percentile(bare, 50),
        **_latencies("sound_to_shader_ms", shader, bare),
        **_latencies("sound_to_generator_ms", network, bare),
        "samples": {
            "picture_s": np.round(times - times[0], 5).tolist(),
            "change": np.round(changes, 4).tolist(),
            "draw_ms": np.round(watch.draws_ms, 3).tolist(),
            "kick_s": [round(kick - times[0], 5) for kick in kicks],
            "loopback_ms": [round(delay, 3) for delay in bare],
            "sound_to_shader_ms": [round(latency, 3) for latency in shader.latencies_ms],
            "sound_to_generator_ms": [round(latency, 3) for latency in network.latencies_ms],
        },
    }


def percentile(samples: Sequence[float] | NDArray[np.float64], percent: float) -> float | None:
    """Rounded to 10 us; None of nothing."""
    return round(float(np.percentile(samples, percent)), 2) if len(samples) else None


def intervals_ms(late_ms: Sequence[float]) -> NDArray[np.float64]:
    """Times between the turns of the bare timer loop, from how late each was; one later than a period is not made up for."""
    period_ms, late = 1e3 / DISPLAY_HZ, np.array(late_ms)
    return period_ms + np.diff(late) + np.maximum(late[:-1] - period_ms, 0.0)


def _latencies(name: str, answers: Answers, bare: Sequence[float]) -> dict[str, float | int | None]:
    found = answers.latencies_ms
    figures: dict[str, float | int | None] = {f"{name}_count": len(found), f"{name}_missed": answers.missed}
    for percent in (50, 95):
        whole, loop = percentile(found, percent), percentile(bare, 50)
        figures[f"{name}_p{percent}"] = whole
        figures[f"{name}_p{percent}_beyond_loopback"] = None if whole is None or loop is None else round(whole - loop, 2)
    return figures
