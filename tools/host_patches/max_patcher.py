"""A Max patcher as the JSON of its file, and the container of a Max for Live device around it.

A device's file (.amxd) is a row of chunks, each a tag of four letters, a length (uint32, little-endian) and its bytes: `ampf`
holds the device's kind, `meta` flags, `ptch` the patcher's JSON, ended by a zero byte.
"""

import itertools
import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

AUDIO_EFFECT = b"aaaa"

# class -> inlets, outlets; of objects with a variable number, as they are used here
SHAPES: Mapping[str, tuple[int, Sequence[str]]] = {
    "change": (1, ("", "int", "int")),
    "delay": (2, ("bang",)),
    "gate": (2, ("",)),
    "i": (2, ("int",)),
    "js": (1, ("",)),
    "live.observer": (2, ("", "")),
    "live.path": (1, ("", "", "")),
    "live.thisdevice": (1, ("bang", "int", "int")),
    "plugin~": (2, ("signal", "signal")),
    "plugout~": (2, ("signal", "signal")),
    "plugsync~": (1, ("int", "int", "int", "float", "list", "float", "float", "int", "int")),
    "prepend": (1, ("",)),
    "route": (2, ("", "")),
    "sel": (2, ("bang", "")),
    "speedlim": (2, ("",)),
    "t": (1, ("bang",)),
    "udpsend": (1, ()),
    "message": (2, ("",)),
    "comment": (1, ()),
    "live.comment": (1, ()),
    "live.dial": (1, ("", "float")),
    "live.numbox": (1, ("", "float")),
    "live.text": (1, ("", "")),
    "textedit": (1, ("", "int", "", "")),
}
FLOAT, ENUM, BLOB = 0, 2, 3  # kinds of parameters; an int of Live has 256 steps at most, so ports are floats


class Patcher:
    """Boxes and lines; every box is called by its name."""

    def __init__(self) -> None:
        self._boxes: dict[str, dict[str, Any]] = {}
        self._lines: list[dict[str, Any]] = []
        self._parameters: dict[str, Any] = {}

    def obj(self, name: str, x: int, y: int, text: str, **extra: object) -> str:
        """An object; its class is the first word of `text`. Returns its name."""
        return self._put(name, "newobj", text.split()[0], x, y, 8 * len(text) + 16, 22, {"text": text, **extra})

    def message(self, name: str, x: int, y: int, text: str) -> str:
        """A message box."""
        return self._put(name, "message", "message", x, y, 8 * len(text) + 16, 22, {"text": text})

    def label(self, name: str, shown: tuple[int, int, int, int], text: str) -> str:
        """Words on the device's face; `shown` is x, y, width, height there."""
        extra = {"text": text, "textjustification": 0}
        return self._put(name, "live.comment", "live.comment", shown[0], 600 + shown[1], shown[2], shown[3], extra, shown)

    def parameter(
        self,
        name: str,
        kind: str,
        at: tuple[int, int],
        shown: tuple[int, int, int, int],
        names: tuple[str, str],
        value: Mapping[str, Any],
        **extra: object,
    ) -> str:
        """A parameter of Live: `names` are its long and its short one, `value` says what it holds."""
        held = {"parameter_longname": names[0], "parameter_shortname": names[1], "parameter_modmode": 0, **value}
        keys = {"parameter_enable": 1, "varname": names[0], "saved_attribute_attributes": {"valueof": held}, **extra}
        self._parameters[name] = [*names, 0]
        return self._put(name, kind, kind, *at, shown[2], shown[3], keys, shown)

    def line(self, source: str, sink: str, outlet: int = 0, inlet: int = 0) -> None:
        """Connect an outlet to an inlet."""
        self._lines.append({"patchline": {"source": [source, outlet], "destination": [sink, inlet]}})

    def chain(self, *names: str) -> None:
        """Connect each box's first outlet to the next one's first inlet."""
        for source, sink in itertools.pairwise(names):
            self.line(source, sink)

    def patcher(self, width: int, banks: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The whole, `width` pixels wide on the device's face; `banks` are what eight-knob controllers show."""
        shown = {
            str(index): {"index": index, "name": name, "parameters": [*held, *["-"] * (8 - len(held))]}
            for index, (name, held) in enumerate(banks.items())
        }
        return {
            "patcher": {
                "fileversion": 1,
                "appversion": {"major": 8, "minor": 5, "revision": 5, "architecture": "x64", "modernui": 1},
                "classnamespace": "box",
                "rect": [60.0, 100.0, 1100.0, 760.0],
                "openrect": [0.0, 0.0, float(width), 169.0],
                "openinpresentation": 1,
                "default_fontsize": 10.0,
                "default_fontname": "Arial Bold",
                "gridsize": [8.0, 8.0],
                "devicewidth": float(width),
                "boxes": [{"box": box} for box in self._boxes.values()],
                "lines": self._lines,
                "parameters": {**self._parameters, "parameterbanks": shown, "inherited_shortname": 1},
                "latency": 0,
                "project": {"version": 1, "amxdtype": int.from_bytes(AUDIO_EFFECT, "little")},
                "autosave": 0,
            }
        }

    def _put(
        self,
        name: str,
        kind: str,
        shape: str,
        x: int,
        y: int,
        width: int,
        height: int,
        keys: Mapping[str, Any],
        shown: tuple[int, ...] = (),
    ) -> str:
        if name in self._boxes:
            raise ValueError(f"expected a new name for a box; got {name!r} again")
        inlets, outlets = SHAPES[shape]
        box = {"id": name, "maxclass": kind, "numinlets": inlets, "numoutlets": len(outlets)}
        box |= {"outlettype": list(outlets)} if outlets else {}
        box |= {"patching_rect": [float(number) for number in (x, y, width, height)], **keys}
        if shown:
            box |= {"presentation": 1, "presentation_rect": [float(number) for number in shown]}
        self._boxes[name] = box
        return name


def text(patcher: Mapping[str, Any]) -> bytes:
    """A patcher as its file (.maxpat) holds it."""
    return json.dumps(patcher, indent="\t").encode() + b"\n"


def device(patcher: Mapping[str, Any]) -> bytes:
    """A device's file (.amxd)."""
    chunks = ((b"ampf", AUDIO_EFFECT), (b"meta", bytes(4)), (b"ptch", text(patcher) + b"\0"))
    return b"".join(tag + struct.pack("<I", len(content)) + content for tag, content in chunks)
