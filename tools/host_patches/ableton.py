"""Writes Clavilux.amxd: eight dials for Live to automate, the master, switches, and Live's tempo and bars to follow.

Scene launches are in clavilux.js beside the device, since Live tells of them to scripts alone.
"""

from collections.abc import Mapping
from typing import Any

from tools.host_patches.controls import BPM, FADERS, PANIC_BUTTON, PORT, RELEASE, RESYNC, SWITCHES
from tools.host_patches.max_patcher import BLOB, ENUM, FLOAT, Patcher

WIDTH = 420
SCRIPT = "clavilux.js"
_EVERY_MS = 5  # a dial is sent at most so often, whatever an automation writes


def patcher() -> dict[str, Any]:
    """The device's patcher."""
    device = Patcher()
    device.obj("udpsend", 20, 540, f"udpsend 127.0.0.1 {PORT}")
    device.chain(device.obj("plugin", 900, 20, "plugin~"), device.obj("plugout", 900, 60, "plugout~"))
    device.line("plugin", "plugout", 1, 1)
    device.obj("loaded", 620, 20, "live.thisdevice")
    everything = _dials(device) + _switches(device)
    _send_all(device, everything)
    _tempo(device)
    _scenes(device)
    _connection(device)
    banks = {"Macros": [_long(number) for number in range(len(FADERS) - 1)], "Master": ["Master", "Freeze", "Blackout", "Panic"]}
    return device.patcher(WIDTH, banks)


def _long(number: int) -> str:
    fader = FADERS[number]
    return f"Macro {number + 1} {fader.label.title()}" if fader.name.startswith("macro") else fader.label.title()


def _dials(device: Patcher) -> list[str]:
    dials = []
    for number, fader in enumerate(FADERS):
        x, y = 20 + 96 * number, 60
        column, row = (number % 4, number // 4) if number < 8 else (4, 0)
        value = {
            "parameter_type": FLOAT,
            "parameter_unitstyle": 1,
            "parameter_mmin": 0.0,
            "parameter_mmax": 1.0,
            "parameter_initial": [fader.rest],
            "parameter_initial_enable": 1,
            "parameter_info": f"Sends {fader.address}.",
        }
        shown = (8 + 48 * column, 22 + 72 * row, 44, 48)
        dial = device.parameter(fader.name, "live.dial", (x, y), shown, (_long(number), fader.label.title()), value)
        limit = device.obj(f"{fader.name}-limit", x, y + 64, f"speedlim {_EVERY_MS}")
        address = device.obj(f"{fader.name}-address", x, y + 96, f"prepend {fader.address}")
        device.chain(dial, limit, address, "udpsend")
        dials.append(dial)
    device.label("title", (8, 2, 180, 18), "CLAVILUX")
    return dials


def _switches(device: Patcher) -> list[str]:
    switches = []
    for place, switch in enumerate(SWITCHES):
        name = switch.name.title()
        value = _enum(("off", "on"), f"Sends {switch.address}.")
        box = device.parameter(
            switch.name,
            "live.text",
            (20 + 140 * place, 220),
            (204, 94 + 22 * place, 72, 18),
            (name, name),
            value,
            mode=1,
            text=name,
            texton=name,
        )
        device.chain(box, device.obj(f"{box}-address", 20 + 140 * place, 250, f"prepend {switch.address}"), "udpsend")
        switches.append(box)
    # A button may give a bang when the set is loaded; that one must not reach a running show.
    info = f"Sends {PANIC_BUTTON.address}."
    panic = _push(device, PANIC_BUTTON.name, (300, 220), (204, 138, 72, 18), "Panic", _enum(("val1", "val2"), info))
    device.obj("panic-gate", 300, 290, "gate")
    device.line(panic, "panic-gate", 0, 1)
    device.chain("panic-gate", device.message("panic-fires", 300, 320, f"{PANIC_BUTTON.address} 1"), "udpsend")
    device.chain("loaded", device.obj("settled", 440, 220, "delay 1000"), device.message("open", 440, 250, "1"), "panic-gate")
    return switches


def _send_all(device: Patcher, everything: list[str]) -> None:
    value = {**_enum(("val1", "val2"), "Sends every dial and switch again."), "parameter_invisible": 2}
    again = _push(device, "send-all", (620, 130), (284, 138, 128, 18), "Send all", value)
    tell = device.message("tell", 620, 190, "outputvalue")
    device.line(again, tell)
    for box in everything:
        device.line(tell, box)


def _tempo(device: Patcher) -> None:
    """Live's tempo as it changes; each first beat of a bar while Live plays. Switched off, the engine listens for itself."""
    value = {**_enum(("off", "on"), f"Live's tempo leads: sends {BPM}, and {RESYNC} on each bar."), **_initial(1)}
    follow = device.parameter(
        "follow",
        "live.text",
        (620, 200),
        (284, 22, 128, 18),
        ("Lead tempo", "Lead tempo"),
        value,
        mode=1,
        text="Tempo: own",
        texton="Tempo: Live",
    )
    device.chain("loaded", device.message("song", 760, 60, "path live_set"), device.obj("song-path", 760, 90, "live.path"))
    device.obj("tempo", 760, 120, "live.observer tempo")
    device.line("song-path", "tempo", 1, 1)
    device.obj("tempo-gate", 760, 260, "gate 1 1")
    device.line("tempo", "tempo-gate", 0, 1)
    device.chain(
        "tempo-gate", device.obj("tempo-limit", 760, 290, "speedlim 20"), device.obj("bpm", 760, 320, f"prepend {BPM}"), "udpsend"
    )
    # Beats are let through while Live plays; forgotten on a stop, the first one of the next start is a change again.
    device.obj("sync", 900, 120, "plugsync~")
    device.obj("beats", 930, 200, "gate 1")
    device.line("sync", "beats")
    device.line("sync", "beats", 2, 1)
    device.chain("beats", device.obj("beat", 930, 230, "change"), device.obj("first", 930, 260, "sel 1"))
    device.chain("sync", device.obj("stopped", 1010, 170, "sel 0"), device.message("forget", 1010, 200, "set -1"), "beat")
    device.obj("bar-gate", 930, 290, "gate 1 1")
    device.line("first", "bar-gate", 0, 1)
    device.chain("bar-gate", device.message("resync", 930, 320, f"{RESYNC} 1"), "udpsend")
    # The switch opens the gates first, then has the tempo sent at once.
    device.obj("off", 620, 320, "sel 0")
    device.line(follow, "tempo-gate")
    device.line(follow, "bar-gate")
    device.chain(follow, "off", device.message("release", 620, 350, f"{RELEASE} 1"), "udpsend")
    device.line("off", device.obj("again", 700, 350, "t b"), 1)
    device.line("again", "tempo")


def _scenes(device: Patcher) -> None:
    saved = {"filename": SCRIPT, "parameter_enable": 0}
    device.chain("loaded", device.obj("scenes", 620, 420, f"js {SCRIPT}", saved_object_attributes=saved), "udpsend")
    device.label("scenes-words", (284, 112, 130, 18), "Scenes: cx:patch")


def _connection(device: Patcher) -> None:
    device.label("host-words", (284, 44, 44, 18), "Engine")
    host = device.parameter(
        "host",
        "textedit",
        (20, 420),
        (330, 44, 84, 18),
        ("Engine address", "Address"),
        {"parameter_type": BLOB, "parameter_invisible": 1, **_initial("127.0.0.1")},
        text="127.0.0.1",
        keymode=1,
        lines=1,
        outputmode=1,
        parameter_mappable=0,
    )
    words = device.obj("host-words-off", 20, 450, "route text")
    device.chain(host, words, device.obj("host-set", 20, 480, "prepend host"), "udpsend")
    device.label("port-words", (284, 68, 44, 18), "Port")
    value = {
        "parameter_type": FLOAT,
        "parameter_unitstyle": 0,
        "parameter_mmin": 1.0,
        "parameter_mmax": 65535.0,
        "parameter_invisible": 1,
        **_initial(float(PORT)),
    }
    port = device.parameter("port", "live.numbox", (200, 420), (330, 68, 60, 15), ("Engine port", "Port"), value)
    device.chain(port, device.obj("port-whole", 200, 450, "i"), device.obj("port-set", 200, 480, "prepend port"), "udpsend")


def _push(
    device: Patcher, name: str, at: tuple[int, int], shown: tuple[int, int, int, int], words: str, value: Mapping[str, Any]
) -> str:
    """A button that gives a bang. Returns the name of what gives it."""
    box = device.parameter(name, "live.text", at, shown, (words, words), value, mode=0, text=words)
    device.chain(box, device.obj(f"{name}-bang", at[0], at[1] + 30, "t b"))
    return f"{name}-bang"


def _enum(values: tuple[str, str], info: str) -> dict[str, Any]:
    return {"parameter_type": ENUM, "parameter_enum": list(values), "parameter_mmax": 1, "parameter_info": info}


def _initial(value: object) -> dict[str, Any]:
    return {"parameter_initial": [value], "parameter_initial_enable": 1}
