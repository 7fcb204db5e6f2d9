"""Programs that people really send from: liblo's tools, Pure Data, SuperCollider and python-osc, over real sockets."""

import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playing import Show, until
from pythonosc.osc_message_builder import build_msg
from pythonosc.udp_client import SimpleUDPClient

from engine.remote.osc.receiver import Receiver
from engine.remote.osc.udp_server import OscServer

PURE_DATA = """#N canvas 0 0 450 300 12;
#X obj 10 10 loadbang;
#X obj 10 40 t b b b b;
#X msg 300 70 connect 127.0.0.1 {port};
#X msg 200 100 0.25;
#X obj 200 130 oscformat walk jitter;
#X msg 100 100 list saw;
#X obj 100 130 oscformat -f s walk shape;
#X obj 10 100 delay 100;
#X obj 10 115 metro 200;
#X msg 10 120 list;
#X obj 10 130 oscformat walk jitter;
#X obj 10 160 list prepend send;
#X obj 10 190 list trim;
#X obj 10 220 netsend -u -b;
#X obj 10 250 oscparse;
#X obj 10 280 print answered;
#X connect 0 0 1 0;
#X connect 1 3 2 0;
#X connect 1 2 3 0;
#X connect 1 1 5 0;
#X connect 1 0 7 0;
#X connect 2 0 13 0;
#X connect 3 0 4 0;
#X connect 4 0 11 0;
#X connect 5 0 6 0;
#X connect 6 0 11 0;
#X connect 7 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 12 0 13 0;
#X connect 13 1 14 0;
#X connect 14 0 15 0;
"""
# Its messages, a bundle dated 5 s ahead as its scheduler likes to make them, and a question until it is answered.
SUPERCOLLIDER = """(
var show = NetAddr("127.0.0.1", {port});
OSCFunc({{ |message| ("answered " ++ message).postln; 0.exit }}, '/walk/jitter');
show.sendMsg("/walk/jitter", 0.25);
show.sendMsg("/walk/shape", "saw");
show.sendBundle(5.0, ["/walk/steps", 7], ["/freeze", 1]);
SystemClock.sched(0.2, {{ show.sendMsg("/walk/jitter"); 0.2 }});
)
"""


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is missing: apt-get install {package}")
    return found


@contextmanager
def running(command: list[str], **environment: str) -> Iterator[list[str]]:
    """The lines that a program prints while it runs."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | environment,
    ) as process:
        assert process.stdout is not None
        listening = threading.Thread(target=lambda stdout: lines.extend(stdout), args=(process.stdout,), daemon=True)
        listening.start()
        try:
            yield lines
        finally:
            process.kill()
            process.wait()
            listening.join(10.0)


def test_oscsend_sets_every_kind(show: Show, server: OscServer) -> None:
    oscsend = program("oscsend", "liblo-tools")
    for address, tags, words, value in (
        ("/walk/jitter", "f", ["0.25"], 0.25),
        ("/walk/jitter", "d", ["0.75"], 0.75),
        ("/walk/steps", "i", ["7"], 7),
        ("/walk/steps", "h", ["9"], 9),
        ("/walk/shape", "s", ["saw"], "saw"),
        ("/walk/shape", "S", ["sine"], "sine"),
        ("/freeze", "T", [], True),
        ("/freeze", "F", [], False),
        ("/walk/z", "ffi", ["0.5", "-0.5", "1"], (0.5, -0.5, 1.0)),
        ("/n/walk/rate", "f", ["1.0"], 10.0),
        ("/macro/*", "f", ["0.125"], 0.125),
    ):
        subprocess.run([oscsend, "127.0.0.1", str(server.port), address, tags, *words], check=True, timeout=30)
        held = address.removeprefix("/n").replace("*", "8")
        until(lambda held=held, value=value: show[held] == value)
    assert show["/macro/1"] == 0.125
    for number, (tags, words) in enumerate((("I", []), ("", []), ("f", ["1"])), 1):
        subprocess.run([oscsend, "127.0.0.1", str(server.port), "/walk/step", tags, *words], check=True, timeout=30)
        until(lambda number=number: show.fired("/walk/step") == number)
        subprocess.run([oscsend, "127.0.0.1", str(server.port), "/walk/step", "f", "0"], check=True, timeout=30)
    subprocess.run([oscsend, "127.0.0.1", str(server.port), "/walk/jitter", "f", "nan"], check=True, timeout=30)
    subprocess.run([oscsend, "127.0.0.1", str(server.port), "/walk/jitter", "s", "0.3"], check=True, timeout=30)
    subprocess.run([oscsend, "127.0.0.1", str(server.port), "/walk/steps", "i", "3"], check=True, timeout=30)
    until(lambda: show["/walk/steps"] == 3)
    assert show.fired("/walk/step") == 3
    assert show["/walk/jitter"] == 0.75


def test_oscdump_reads_the_answers(show: Show, receiver: Receiver, server: OscServer) -> None:
    """It only listens: its question is sent from its port before it starts, and answered once it is there."""
    oscdump = program("oscdump", "liblo-tools")
    going_on = threading.Event()

    def hold(*_: object) -> None:
        going_on.wait(30.0)

    receiver.handlers["/hold"] = hold
    with ExitStack() as stack:
        stack.callback(going_on.set)
        show.tree.post("/walk/z", (0.5, -0.5))
        show.settle()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind(("127.0.0.1", 0))
            port = asking.getsockname()[1]
            asking.connect(("127.0.0.1", server.port))
            for address in ("/hold", "/walk/jitter", "/walk/steps", "/walk/shape", "/walk/z", "/freeze", "/n/walk/rate", "/list"):
                asking.send(build_msg(address, []).dgram)
        lines = stack.enter_context(running([oscdump, "-L", str(port)]))
        until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text() + Path("/proc/net/udp6").read_text())
        going_on.set()
        until(lambda: any("/list/end" in line for line in lines))
    told = [line.split(" ", 1)[1].strip() for line in lines]  # behind the time tag
    assert told[:6] == [
        "/walk/jitter f 0.500000",
        "/walk/steps i 4",
        '/walk/shape s "sine"',
        "/walk/z ff 0.500000 -0.500000",
        "/freeze i 0",
        "/n/walk/rate f 0.500000",
    ]
    assert re.match(r'/list s+ "/blackout" ', told[6])
    assert told[-1] == f"/list/end i {len(show.tree)}"


def test_pure_data_moves_parameters_and_hears_the_answers(show: Show, server: OscServer, tmp_path: Path) -> None:
    pd = program("pd", "puredata-core")
    (tmp_path / "show.pd").write_text(PURE_DATA.format(port=server.port))
    with running([pd, "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(tmp_path / "show.pd")]) as lines:
        until(lambda: show["/walk/jitter"] == 0.25 and show["/walk/shape"] == "saw", 30.0)
        until(lambda: any("answered: list walk jitter 0.25" in line for line in lines), 30.0)


def test_supercollider_moves_parameters_and_hears_the_answers(show: Show, server: OscServer, tmp_path: Path) -> None:
    sclang = program("sclang", "supercollider-language")
    script = tmp_path / "show.scd"
    script.write_text(SUPERCOLLIDER.format(port=server.port))
    home = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    headless = {"QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    with running([sclang, str(script)], **home, **headless) as lines:
        until(lambda: any(line.startswith("answered [ /walk/jitter, 0.25 ]") for line in lines), 60.0)
        began_s = time.monotonic()
        until(lambda: (show["/walk/jitter"], show["/walk/shape"], show["/walk/steps"], show["/freeze"]) == (0.25, "saw", 7, True))
        assert time.monotonic() - began_s < 4.0  # the bundle dated 5 s ahead too


def test_python_osc_moves_parameters_and_hears_the_answers(show: Show, server: OscServer) -> None:
    with SimpleUDPClient("127.0.0.1", server.port) as client:
        client.send_message("/walk/jitter", 0.25)
        client.send_message("/walk/z", struct.pack(">3f", 0.5, -0.5, 1.0))
        client.send_message("/n/walk/rate", 1.0)
        client.send_message("/freeze", True)
        until(lambda: (show["/walk/z"], show["/freeze"]) == ((0.5, -0.5, 1.0), True))
        assert (show["/walk/jitter"], show["/walk/rate"]) == (0.25, 10.0)
        client.send_message("/walk/z", [])
        answer = next(client.get_messages(10.0))
        assert (answer.address, answer.params) == ("/walk/z", [0.5, -0.5, 1.0])
