import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.bench.measured_show import Watch, process
from engine.bench.osc_sender import FADERS, LAST
from engine.bench.osc_to_screen import _flooded
from engine.control.tree import ParamTree
from engine.core.params import Leaf, Param
from engine.remote.osc.receiver import Receiver
from engine.remote.osc.udp_server import OscServer

KEYS = (
    "osc_to_shader_ms_p95",
    "osc_to_generator_ms_p95",
    "flood_lost",
    "flood_display_ms_p99",
    "quiet_display_ms_p99",
    "last_value_ms",
    "parser_us_p999",
    "samples",
)


@pytest.fixture
def board() -> ParamTree:
    tree = ParamTree()
    tree.attach("macro", {address.rpartition("/")[2]: Leaf(Param(0.5, doc="A fader.")) for address in FADERS})
    return tree


def test_the_flood_ends_with_the_last_value_of_every_fader(board: ParamTree) -> None:
    receiver = Receiver(board)
    with (
        closing(OscServer(receiver, "127.0.0.1", 0)) as server,
        process("osc_sender", "flood", "--port", str(server.port), "--seconds", "0.5", "--rate", "2000") as printed,
    ):
        waited_s = time.monotonic()
        while not all(board.leaf(address).base == LAST for address in FADERS):
            board.apply(board.take())
            time.sleep(0.005)
            assert time.monotonic() - waited_s < 60.0
    sent, lasted_s, _ = printed
    assert receiver.packets <= sent
    assert 0 < sent <= 2000 * lasted_s + len(FADERS)


def test_steps_alternate_and_each_is_dated(board: ParamTree) -> None:
    receiver, taken = Receiver(board), set[object]()
    with closing(OscServer(receiver, "127.0.0.1", 0)) as server:
        options = ("--port", str(server.port), "--address", FADERS[0], "--values", "0.125", "0.875", "--seconds", "2")
        began_s = time.monotonic()
        with process("osc_sender", "steps", *options, "--shortest", "0.1", "--longest", "0.2") as sent:
            while time.monotonic() - began_s < 3.0:
                taken |= {change.value for change in board.apply(board.take())[0]}
                time.sleep(0.005)
        waited_s = time.monotonic()
        while receiver.packets < len(sent) and time.monotonic() - waited_s < 10.0:
            time.sleep(0.005)
        taken |= {change.value for change in board.apply(board.take())[0]}
    assert len(sent) >= 2
    assert receiver.packets == len(sent)
    assert all(began_s < moment < time.monotonic() for moment in sent)
    assert taken == {0.125, 0.875}


def test_display_times_of_floods_and_of_their_controls_are_kept_apart() -> None:
    watch = Watch()
    watch.times = [number * 0.033 for number in range(300)] + [10.0 + number * 0.066 for number in range(150)]
    quiet = {"aimed": False, "from_s": 0.0, "to_s": 9.5, "sent": 90_000, "rate_hz": 10_000}
    aimed = {"aimed": True, "from_s": 10.0, "to_s": 19.5, "sent": 90_000, "rate_hz": 9_900, "lost": 3, "last_value_ms": 7.5}
    found = _flooded(watch, [aimed, quiet])
    assert found["quiet_display_ms_p99"] == pytest.approx(33.0, abs=0.1)
    assert found["flood_display_ms_p99"] == pytest.approx(66.0, abs=0.1)
    assert found["flood_to_quiet_p50"] == pytest.approx(2.0, abs=0.01)
    assert (found["flood_lost"], found["last_value_ms"]) == (3, 7.5)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_bench_measures_osc_into_a_whole_show(tmp_path: Path) -> None:
    path = tmp_path / "control.json"
    command = [sys.executable, "-m", "engine.cli", "bench", "control", "--json", str(path), "--seconds", "30", "--flood", "20"]
    subprocess.run([*command, "--pairs", "3"], check=True)
    figures = json.loads(path.read_text())
    assert all(figures[key] is not None for key in KEYS)
    assert figures["osc_to_shader_ms_p95"] < 450
    assert figures["last_value_ms"] < 500
    assert figures["parser_us_p999"] < 500
