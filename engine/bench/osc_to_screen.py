"""OSC into a running show, measured from messages that another process sends: to the first changed pixel, and under a flood.

The show runs as `clavilux play --headless --audio none` does, but unwatched, and every picture is read back. First a
pass is stepped, then the network's push: the first picture that stands out after a message is its answer. Then floods: each
beside a control run whose sender is as busy but aims at a socket that nobody reads, in alternating order, so that what differs
is what receiving costs.
"""

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from engine.bench.latency_analysis import first_changes
from engine.bench.measured_show import DISPLAY_HZ, Performance, Watch, performance, process
from engine.bench.osc_mutations import trial
from engine.bench.osc_sender import FADERS, LAST
from engine.bench.sound_to_screen import percentile
from engine.remote.osc.receiver import Receiver
from engine.show.options import PlayOptions
from engine.show.remotes import Remotes
from engine.show.status import figures as show_figures
from engine.stage.colours import Colours

WARM_S = 15.0  # the network's fade-in, caches filled
PASS, NETWORK = "/shader/grade/exposure", "/pulse/push"
EXPOSURES, PUSHES = (-0.5, 0.5), (0.0, 1.5)
PACKETS = 100_000  # for the parser
SETTLED_S = 1.0  # at the ends of a run, left out of its display times


def measure(
    seconds: float, flood_s: float, pairs: int, patch: str, model: str, runtime: str, size: tuple[int, int]
) -> dict[str, Any]:
    """All figures and their raw samples: `seconds` of steps for each of the two paths, then `pairs` of floods.

    Raises RuntimeError if the generator does not start, OSError without a port.
    """
    watch = Watch()
    with ExitStack() as stack:
        show = stack.enter_context(performance(patch, model, runtime, "none", size, watch.take))
        options = PlayOptions(osc_bind=f"127.0.0.1:{free_port()}")
        hands = Remotes(options, show.instrument, show.show.say, lambda: show_figures(show.show))
        stack.callback(hands.close)
        server, receiver = hands.server, hands.receiver
        if server is None:
            raise OSError("expected a port for OSC; got none")
        show.show.remotes, show.show.colours = hands, Colours(show.show.context)
        show.analysis_thread.followers.append(hands.follow)
        show.hold()
        show.analysis_thread.start()
        show.show.run(WARM_S)
        shader = _steps(show, server.port, PASS, EXPOSURES, seconds)
        show.instrument.tree.post(PASS, 0.0)
        network = _steps(show, server.port, NETWORK, PUSHES, seconds)
        show.instrument.tree.post(NETWORK, 0.0)
        order = [aimed for pair in range(pairs) for aimed in ((True, False), (False, True))[pair % 2]]
        floods = [_flood(show, receiver, server.port, flood_s, aimed) for aimed in order]
        figures = _answers("osc_to_shader_ms", watch, shader) | _answers("osc_to_generator_ms", watch, network)
        figures |= _flooded(watch, floods) | {"receive_buffer_bytes": server.buffer_bytes}
    parser = trial(PACKETS, 0).timing
    shares = (("50", 0.5), ("99", 0.99), ("999", 0.999))
    figures |= {f"parser_us_p{name}": round(parser.quantile_us(share), 2) for name, share in shares}
    figures |= {"patch": patch, "model": model, "display_fps": round(len(watch.times) / (watch.times[-1] - watch.times[0]), 2)}
    figures["samples"] = {
        "picture_s": np.round(np.array(watch.times) - watch.times[0], 5).tolist(),
        "change": np.round(watch.changes, 4).tolist(),
        "shader_step_s": [round(moment - watch.times[0], 5) for moment in shader],
        "network_step_s": [round(moment - watch.times[0], 5) for moment in network],
        "floods": floods,
        "parser_us_histogram": parser.histogram(),
    }
    return figures


def free_port() -> int:
    """A UDP port of this machine that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _steps(show: Performance, port: int, address: str, values: tuple[float, float], seconds: float) -> list[float]:
    """Perform while a process steps one parameter; when it sent."""
    options = ("--port", str(port), "--address", address, "--seconds", str(seconds), "--values", *map(str, values))
    with process("osc_sender", "steps", *options) as sent:
        show.show.run(seconds)
    return sent


def _flood(show: Performance, receiver: Receiver, port: int, seconds: float, aimed: bool) -> dict[str, Any]:
    """Perform while a process floods the show (`aimed`) or a socket that nobody reads."""
    tree = show.instrument.tree
    before = receiver.packets
    in_force: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            if all(tree.leaf(address).base == LAST for address in FADERS):
                in_force.append(time.monotonic())
                return
            time.sleep(0.001)

    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unread:
        unread.bind(("127.0.0.1", 0))
        port = port if aimed else unread.getsockname()[1]
        watcher = threading.Thread(target=look, name="watcher", daemon=True)
        watcher.start()
        with process("osc_sender", "flood", "--port", str(port), "--seconds", str(seconds)) as printed:
            show.show.run(seconds + 2.0)
        over.set()
        watcher.join()
    for address in FADERS:
        tree.post(address, 0.5)
    show.show.run(0.5)
    sent, lasted_s, last_s = printed
    flood: dict[str, Any] = {"aimed": aimed, "from_s": began, "to_s": last_s, "sent": int(sent)}
    flood["rate_hz"] = round(sent / lasted_s)
    if aimed:
        flood["lost"] = int(sent) - (receiver.packets - before)
        flood["last_value_ms"] = round((in_force[0] - last_s) * 1e3, 2) if in_force else None
    return flood


def _answers(name: str, watch: Watch, sent: Sequence[float]) -> dict[str, Any]:
    found = first_changes(np.array(watch.times), np.array(watch.changes), sent)
    latencies = {f"{name}_p{percent}": percentile(found.latencies_ms, percent) for percent in (50, 95)}
    return {**latencies, f"{name}_count": len(found.latencies_ms), f"{name}_missed": found.missed}


def _flooded(watch: Watch, floods: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Display times and losses; of the pairs, the medians. Adds each run's display time to it."""
    times = np.array(watch.times)
    for flood in floods:
        within = times[(times > flood["from_s"] + SETTLED_S) & (times < flood["to_s"])]
        flood["display_ms_p99"] = percentile(np.diff(within) * 1e3, 99)
    aimed, quiet = ([flood for flood in floods if flood["aimed"] is kind] for kind in (True, False))
    ratios = [one["display_ms_p99"] / other["display_ms_p99"] for one, other in zip(aimed, quiet, strict=True)]
    lasts = [flood["last_value_ms"] for flood in aimed]
    return {
        "flood_rate_hz": int(np.median([flood["rate_hz"] for flood in aimed])),
        "flood_sent": sum(flood["sent"] for flood in aimed),
        "flood_lost": sum(flood["lost"] for flood in aimed),
        "flood_display_ms_p99": percentile([flood["display_ms_p99"] for flood in aimed], 50),
        "quiet_display_ms_p99": percentile([flood["display_ms_p99"] for flood in quiet], 50),
        "flood_to_quiet_p50": round(float(np.median(ratios)), 3),
        "last_value_ms": None if None in lasts else max(lasts),
        "display_hz_asked": DISPLAY_HZ,
    }
