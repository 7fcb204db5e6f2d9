"""The page of the operator's window: what stands where, in units of a 1120 x 680 page."""

import math

import numpy as np

from engine.core.types import FloatArray
from engine.windows.canvas import Canvas, Colour
from engine.windows.keys import KEYS, Keyboard
from engine.windows.operator_state import OperatorState

PAGE = (1120, 680)
SMALL, BODY, LARGE = 13, 16, 30
LAMPS = ("onset", "kick", "snare", "hat")
LAMP_FADE_S = 0.18
HELP_ROWS = 12  # in each of two columns
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

PAPER: Colour = (0.043, 0.049, 0.058)
CARD: Colour = (0.078, 0.088, 0.102)
WELL: Colour = (0.130, 0.145, 0.166)
INK: Colour = (0.91, 0.92, 0.93)
SOFT: Colour = (0.54, 0.58, 0.63)
AMBER: Colour = (0.95, 0.66, 0.28)
TEAL: Colour = (0.31, 0.76, 0.70)
RED: Colour = (0.92, 0.33, 0.30)


def draw_panel(canvas: Canvas, state: OperatorState, keyboard: Keyboard, aspect: float, now_s: float) -> None:
    """Put the whole page on `canvas`. `aspect` is the preview's width over height; `now_s` is time.monotonic()."""
    _preview(canvas, state, aspect)
    _switches(canvas, state)
    _master(canvas, state)
    _sound(canvas, state, now_s)
    _names(canvas, state)
    _figures(canvas, state)
    _hands(canvas, state, now_s)
    _messages(canvas, state)
    if state.stranger:
        _stranger(canvas, state.stranger)
    if keyboard.help_shown:
        _help(canvas)
    if keyboard.quit_asked(now_s):
        _notice(canvas, "Press again to quit")


def _preview(canvas: Canvas, state: OperatorState, aspect: float) -> None:
    width, height = min(640.0, 360.0 * aspect), min(360.0, 640.0 / aspect)
    canvas.picture(20 + (640 - width) / 2, 20 + (360 - height) / 2, width, height)


def _switches(canvas: Canvas, state: OperatorState) -> None:
    recording = "record"
    if state.recording_s is not None:
        recording = f"rec {_clock(state.recording_s)}"
    switches = (
        ("I", "live", state.live, TEAL),
        ("F", "freeze", state.frozen, AMBER),
        ("B", "blackout", state.blackout, RED),
        ("P", "panic", state.panic, RED),
        ("R", recording, state.recording_s is not None, RED),
    )
    width = (640 - 4 * 10) / 5
    for place, (key, label, on, colour) in enumerate(switches):
        x = 20 + place * (width + 10)
        canvas.box(x, 394, width, 38, colour if on else CARD, radius=6)
        ink = PAPER if on else SOFT
        canvas.text(x + 14, 418, key, SMALL, ink, 0.75 if on else 0.7)
        canvas.text(x + 34, 419, label, BODY, PAPER if on else INK)


def _master(canvas: Canvas, state: OperatorState) -> None:
    canvas.text(20, 462, "MASTER", SMALL, SOFT)
    canvas.box(92, 452, 510, 10, WELL, radius=5)
    if state.master > 0.0:
        canvas.box(92, 452, max(510 * state.master, 10), 10, AMBER, radius=5)
    canvas.text(660, 463, f"{state.master * 100:.0f} %", BODY, INK, align=1.0)


def _sound(canvas: Canvas, state: OperatorState, now_s: float) -> None:
    canvas.box(20, 482, 640, 178, CARD, radius=8)
    for place, kind in enumerate(LAMPS):
        age_s = now_s - state.last_heard.get(kind, -math.inf)
        glow = math.exp(-max(age_s, 0.0) / LAMP_FADE_S)
        y = 500 + place * 38
        canvas.box(38, y, 22, 22, WELL, radius=11)
        canvas.box(38, y, 22, 22, AMBER, glow, radius=11)
        canvas.text(72, y + 16, kind, BODY, INK if glow > 0.3 else SOFT)
    values = state.features.values if state.features else {}
    vectors = state.features.vectors if state.features else {}
    _bars(canvas, (150, 500, 22, 118), np.array([values.get("level", 0.0)], np.float32), AMBER)
    canvas.text(161, 640, "level", SMALL, SOFT, align=0.5)
    bands = vectors.get("bands", np.zeros(8, np.float32))
    _bars(canvas, (198, 500, 190, 118), bands, TEAL)
    canvas.text(293, 640, "bands", SMALL, SOFT, align=0.5)
    chroma = vectors.get("chroma", np.zeros(12, np.float32))
    _bars(canvas, (414, 500, 228, 118), chroma, AMBER, best_only=True)
    for place, note in enumerate(NOTES):
        canvas.text(414 + (place + 0.5) * 228 / 12, 640, note, SMALL, SOFT, align=0.5)


def _bars(
    canvas: Canvas, place: tuple[float, float, float, float], heights: FloatArray, colour: Colour, best_only: bool = False
) -> None:
    x, y, width, height = place
    pitch = width / len(heights)
    gap = 0.0 if len(heights) == 1 else min(pitch * 0.25, 4.0)
    best = int(np.argmax(heights))
    for number, value in enumerate(heights.tolist()):
        left, tall = x + number * pitch + gap / 2, min(max(value, 0.0), 1.0) * height
        canvas.box(left, y, pitch - gap, height, WELL, radius=2)
        strong = not best_only or (number == best and value > 0.0)
        canvas.box(left, y + height - tall, pitch - gap, tall, colour if strong else SOFT, radius=2)


def _names(canvas: Canvas, state: OperatorState) -> None:
    canvas.box(676, 20, 424, 116, CARD, radius=8)
    canvas.text(694, 58, canvas.clip(state.patch, LARGE, 388), LARGE, INK)
    canvas.text(694, 90, canvas.clip(f"{state.model}  ·  {state.runtime}", BODY, 388), BODY, SOFT)
    canvas.text(694, 116, canvas.clip(state.sound, BODY, 388), BODY, SOFT)


def _figures(canvas: Canvas, state: OperatorState) -> None:
    figures = (
        ("DISPLAY", f"{state.display_fps:.1f}", "frames/s"),
        ("GENERATOR", f"{state.generator_fps:.1f}", "frames/s"),
        ("LATENCY", f"{state.latency_ms:.0f}", "ms"),
        ("PICTURE", f"{state.internal_size[0]} x {state.internal_size[1]}", ""),
        ("TEMPO", f"{state.music.bpm:.0f}", f"bpm  {state.music.source}"),
        ("TIME", _clock(state.time_s), ""),
    )
    for place, (label, figure, unit) in enumerate(figures):
        x, y = 676 + place % 2 * 217, 150 + place // 2 * 84
        canvas.box(x, y, 207, 74, CARD, radius=8)
        canvas.text(x + 18, y + 24, label, SMALL, SOFT)
        canvas.text(x + 18, y + 59, figure, LARGE, INK)
        canvas.text(x + 18 + canvas.width(figure, LARGE) + 8, y + 59, unit, SMALL, SOFT)


def _hands(canvas: Canvas, state: OperatorState, now_s: float) -> None:
    """Who else has hands on the show: a lamp that lights with every message, and from where."""
    hands = (("OSC", state.osc, state.osc_heard_s), ("MIDI", state.midi, state.midi_heard_s))
    for place, (label, text, heard_s) in enumerate(hands):
        x = 676 + place * 217
        canvas.box(x, 402, 207, 48, CARD, radius=8)
        canvas.box(x + 18, 419, 14, 14, WELL, radius=7)
        canvas.box(x + 18, 419, 14, 14, TEAL, math.exp(-max(now_s - heard_s, 0.0) / LAMP_FADE_S), radius=7)
        canvas.text(x + 42, 431, label, SMALL, SOFT)
        canvas.text(x + 82, 432, canvas.clip(text, BODY, 115), BODY, INK if text != "off" else SOFT)


def _stranger(canvas: Canvas, host: str) -> None:
    canvas.box(40, 316, 600, 46, AMBER, radius=6)
    canvas.text(60, 345, canvas.clip(f"{host} sends OSC and is not let in.   Y  lets it in", BODY, 560), BODY, PAPER)


def _messages(canvas: Canvas, state: OperatorState) -> None:
    canvas.box(676, 460, 424, 200, CARD, radius=8)
    canvas.text(694, 484, "MESSAGES", SMALL, SOFT)
    canvas.text(1082, 484, "H  keys", SMALL, SOFT, align=1.0)
    lines: list[tuple[str, float]] = []
    for age, message in enumerate(reversed(state.messages)):
        lines = [(line, 1.0 if age == 0 else 0.6) for line in canvas.wrap(message, BODY, 388)] + lines
    for row, (line, alpha) in enumerate(lines[-6:]):
        canvas.text(694, 512 + row * 23, line, BODY, INK, alpha)


def _help(canvas: Canvas) -> None:
    canvas.box(20, 20, 640, 360, PAPER, 0.92)
    rows = [key for key in KEYS if key.label]
    for place, key in enumerate(rows):
        x, y = 60 + place // HELP_ROWS * 310, 50 + place % HELP_ROWS * 28
        canvas.text(x, y, key.label, BODY, AMBER)
        canvas.text(x + 88, y, key.doc, BODY, INK)


def _notice(canvas: Canvas, text: str) -> None:
    width = canvas.width(text, LARGE) + 60
    canvas.box(340 - width / 2, 160, width, 80, RED, radius=8)
    canvas.text(340, 211, text, LARGE, PAPER, align=0.5)


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
