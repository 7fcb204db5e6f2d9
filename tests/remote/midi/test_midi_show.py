"""MIDI through a whole instrument: silence is heard, and hands alone play."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from midi_board import PORT, cc, note, program
from mido import Message
from song import INFO

from engine.control.patch import MACROS
from engine.core.types import Tick
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.remote.midi.input_router import MidiInputRouter

HOP_S = HOP / RATE_HZ
PATCH = """schema = 1
[mover]
walk = {{ speed = 0.5 }}
[classes]
palette = {{ sea = 1.0, sky = 1.0 }}
[route]
played = {{ from = "midi/velocity", to = "/shader/bloom/amount", amount = 0.5 }}
[midi]
"cc/{number}" = {{ to = "/walk/speed", takeover = "jump" }}
"note/36" = "/tempo/tap"
[macro]
"""


class Show:
    """An instrument that is played by MIDI alone, on a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.t = folder, 1000.0
        self.instrument = Instrument(self.patch("first", 21), INFO)
        self.desk = MidiInputRouter(self.instrument.tree, ("first", "second"), "off", lambda text: None)
        self.instrument.played, self.instrument.clock = self.desk.notes.into, self.desk.clock
        self.tick: Tick = self.hear()

    def patch(self, name: str, number: int):
        path = self.folder / f"{name}.toml"
        macros = "".join(f'{macro} = {{ "/shader/grade/hue" = 0.1 }}\n' for macro in MACROS)
        path.write_text(PATCH.format(number=number) + macros)
        return find_patch(str(path))

    def hear(self, hops: int = 1) -> Tick:
        for _ in range(hops):
            self.t += HOP_S
            self.tick = self.instrument.hear({"main": np.zeros(HOP, np.float32)}, self.t)
            self.desk.follow(self.tick, self.instrument.player.patch.midi)
        return self.tick

    def play(self, message: Message, at: float | None = None) -> None:
        self.desk.take(message, PORT, self.t if at is None else at)


@pytest.fixture
def show(tmp_path):
    return Show(tmp_path)


def test_a_controller_is_in_force_at_the_next_tick(show):
    show.play(cc(21, 127))
    tick = show.hear()
    assert tick.params["/walk/speed"] == show.instrument.tree.leaf("/walk/speed").param.high
    assert [change.address for change in tick.changes] == ["/walk/speed"]


def test_a_note_reaches_the_picture_and_ends_with_panic(show):
    before = show.hear(10).params["/shader/bloom/amount"]
    show.play(note(60, 127))
    tick = show.hear()
    assert [event.kind for event in tick.features.events] == ["note"]
    assert tick.params["/shader/bloom/amount"] > before
    show.instrument.tree.post("/panic", 1)
    assert show.hear(2).features.values["midi/gate"] == 0.0


def test_another_patch_has_other_bindings_and_none_of_the_old(show):
    show.instrument.choose(show.patch("second", 22))
    show.hear(2)
    show.play(cc(21, 0))
    show.play(cc(22, 127))
    show.hear(2)
    leaf = show.instrument.tree.leaf("/walk/speed")
    assert leaf.base == leaf.param.high


def test_a_program_change_asks_for_the_patch(show):
    show.play(program(1))
    assert [(call.address, call.arguments) for call in show.hear().calls] == [("/patch/load", ("second",))]


def test_the_clock_of_a_host_becomes_the_tempo(show):
    period = 60.0 / 140.0 / 24
    due = show.t
    while show.tick.music.source != "clock" or show.t < 1004.0:
        while due <= show.t:
            show.play(Message("clock"), due)
            due += period
        show.hear()
        assert show.t < 1010.0
    assert show.tick.music.bpm == pytest.approx(140.0, rel=0.01)


def test_taps_of_a_pad_become_the_tempo(show, monkeypatch):
    monkeypatch.setattr("engine.control.tree.time", SimpleNamespace(monotonic=lambda: show.t))  # taps count when they are posted
    for _ in range(8):
        show.play(note(36))
        show.play(note(36, 0))
        show.hear(round(0.6 / HOP_S))
    assert show.tick.music.source == "hands"
    assert show.tick.music.bpm == pytest.approx(100.0, rel=0.02)
    assert show.tick.features.values.get("midi/velocity", 0.0) == 0.0  # a pad with a task is no music
