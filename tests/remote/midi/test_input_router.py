import random
import threading
import time

import pytest
from midi_board import PORT, board, cc, features, note, program, specs, tick_of
from mido import Message
from song import served

from engine.control.transport import Transport
from engine.control.tree import ParamTree
from engine.core.types import Change
from engine.remote.midi.byte_parser import ByteParser
from engine.remote.midi.input_router import MidiInputRouter


class Show:
    """A desk without ports, and the ticks that follow it."""

    def __init__(self, **table):
        self.tree: ParamTree = board()
        self.desk = MidiInputRouter(self.tree, ("tidal", "mandala"), "off", lambda text: None)
        self.specs, self.t = specs(**table), 100.0
        self.tick()

    def tick(self, *changes: Change):
        served(self.tree)
        self.t += 256 / 48000
        self.desk.follow(tick_of(self.tree, self.t, changes), self.specs)
        served(self.tree)

    def play(self, *messages, port=PORT):
        for message in messages:
            self.desk.take(message, port, self.t)
            self.tick()
        return self

    def clock(self, beats, bpm=120.0, port=PORT):
        pulses = round(beats * 24)
        for _ in range(pulses):
            self.t += 60.0 / bpm / 24
            self.desk.take(Message("clock"), port, self.t)

    def heard(self, name):
        return self.desk.notes.into(features(0, self.t)).values.get(f"midi/{name}", 0.0)


def test_a_patch_binds_controls_and_another_patch_binds_others():
    show = Show(**{"cc/21": {"to": "/walk/speed", "takeover": "jump"}})
    show.play(cc(21, 127))
    assert show.tree.leaf("/walk/speed").base == 1.0
    show.specs = specs(**{"cc/22": {"to": "/walk/speed", "takeover": "jump"}})
    show.tick()
    show.play(cc(21, 0), cc(22, 64))
    assert show.tree.leaf("/walk/speed").base == pytest.approx(64 / 127)


def test_notes_are_music_unless_the_patch_has_made_buttons_of_them():
    show = Show(**{"note/36": "/walk/mirror"}).play(note(36))
    assert (show.heard("gate"), show.tree.leaf("/walk/mirror").base) == (0.0, True)
    assert show.play(note(60)).heard("gate") == 1.0


def test_a_note_that_became_a_button_while_it_was_held_still_ends():
    show = Show().play(note(36))
    show.specs = specs(**{"note/36": "/walk/mirror"})
    assert show.play(note(36, 0)).heard("gate") == 0.0


@pytest.mark.parametrize("number", [120, 123, 124, 125, 126, 127])
def test_all_notes_off_ends_those_of_its_channel(number):
    show = Show().play(note(60), note(64, channel=2), cc(number, 0))
    assert show.heard("note") == 64 / 127
    assert show.heard("gate") == 1.0
    assert show.play(cc(number, 0, channel=2)).heard("gate") == 0.0


@pytest.mark.parametrize("number", [120, 123])
def test_and_what_a_key_of_its_channel_holds_on(number):
    show = Show(**{"note/36": {"to": "/walk/mirror", "press": "hold"}}).play(note(36))
    assert show.play(cc(number, 0, channel=2)).tree.leaf("/walk/mirror").base is True
    assert show.play(cc(number, 0)).tree.leaf("/walk/mirror").base is False


def test_reset_controllers_brings_the_wheel_to_rest():
    show = Show().play(Message("pitchwheel", pitch=8191))
    assert show.heard("bend") == 1.0
    assert show.play(cc(121, 0)).heard("bend") == 0.0


def test_a_system_reset_lets_go_of_its_port():
    show = Show().play(note(60)).play(note(62), port="other").play(Message("reset"))
    assert show.heard("gate") == 1.0
    assert show.play(Message("reset"), port="other").heard("gate") == 0.0


@pytest.mark.parametrize("how", ["panic", "lost"])
def test_panic_and_a_lost_port_release_notes_and_buttons(how):
    show = Show(**{"note/36": {"to": "/walk/mirror", "press": "hold"}}).play(note(36), note(60))
    assert show.tree.leaf("/walk/mirror").base is True
    if how == "panic":
        show.tick(Change("/panic", 1, show.t))
    else:
        show.desk.lose(PORT)
    show.tick()
    assert show.heard("gate") == 0.0
    assert show.tree.leaf("/walk/mirror").base is False


def test_a_port_whose_player_may_be_gone_lets_go_of_its_notes_and_keeps_its_clock():
    show = Show(**{"note/36": {"to": "/walk/mirror", "press": "hold"}}).play(note(36), note(60))
    show.clock(2, 120.0, PORT)
    show.desk.release("other")
    assert show.heard("gate") == 1.0
    show.desk.release(PORT)
    served(show.tree)
    assert show.heard("gate") == 0.0
    assert show.tree.leaf("/walk/mirror").base is False
    assert show.desk.clock().bpm == pytest.approx(120.0)


def test_half_of_14_bits_is_brought_into_force_by_the_ticks():
    show = Show(**{"cc14/1": {"to": "/walk/speed", "takeover": "jump"}})
    for half in (cc(1, 32), cc(33, 5)):
        show.desk.take(half, PORT, show.t)
    show.tick()
    show.desk.take(cc(1, 127), PORT, show.t)
    served(show.tree)
    assert show.tree.leaf("/walk/speed").base == pytest.approx((32 * 128 + 5) / 16383), "its fine half may be on its way"
    show.tick()
    show.tick()
    assert show.tree.leaf("/walk/speed").base == 1.0


@pytest.mark.parametrize("clicks", [1, 3])
def test_a_jog_wheel_on_the_nudge_moves_the_beat_by_what_it_was_turned(clicks):
    """The meter puts /tempo/nudge back to 0 after each; several may come within one tick."""
    hop_s, tree = 256 / 48000, board()
    meter, plain = Transport(hop_s, tree), Transport(hop_s)
    desk = MidiInputRouter(tree, (), "off", lambda text: None)
    wheel = specs(**{"relative/20": "/tempo/nudge"})
    for tick in range(1000):
        t_heard = 100.0 + tick * hop_s
        changes = served(tree)
        meter.step(features(tick, t_heard), changes)
        plain.step(features(tick, t_heard))
        desk.follow(tick_of(tree, t_heard, changes), wheel)
        if tick in range(100, 200, 5):
            for click in range(clicks):
                desk.take(cc(20, 1), PORT, t_heard + click * 0.001)
    assert desk.counts["refused"] == 0
    assert meter.music.beats - plain.music.beats == pytest.approx(20 * clicks * 2.0 / 128, abs=0.005)


def test_a_program_change_asks_for_a_patch():
    assert Show().play(program(1)).tree.leaf("/patch/load").base == "mandala"


def test_the_clock_that_plays_leads_until_it_stops_or_falls_silent():
    show = Show()
    assert show.desk.clock() is None
    show.clock(4, 120.0, "drums")
    assert show.desk.clock().bpm == pytest.approx(120.0)
    show.desk.take(Message("stop"), "drums", show.t)
    show.clock(4, 90.0, "host")
    assert show.desk.clock().bpm == pytest.approx(90.0)
    for _ in range(400):  # two seconds
        show.tick()
    assert show.desk.clock() is None


def test_a_clock_that_plays_is_not_disturbed_by_another():
    show = Show()
    show.clock(2, 120.0, "host")
    for _ in range(48):
        show.t += 0.5 / 24
        show.desk.take(Message("clock"), "host", show.t)
        show.desk.take(Message("clock"), "drums", show.t + 0.007)
    assert show.desk.clock().bpm == pytest.approx(120.0)
    show.desk.lose("host")
    show.clock(1, 120.0, "drums")
    assert show.desk.clock().running


def test_ticks_never_wait_for_a_message_that_is_being_acted_on():
    show = Show(**{"cc14/1": "/walk/speed"})
    show.desk.take(cc(1, 64), PORT, show.t - 1.0)
    holding, held = threading.Event(), threading.Event()

    def hold() -> None:
        with show.desk._lock:
            held.set()
            holding.wait(30.0)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30.0)
    began = time.monotonic()
    show.tick(Change("/panic", 1, show.t))
    assert time.monotonic() - began < 1.0
    assert not holding.is_set()
    holding.set()
    thread.join()


def test_what_fails_is_counted_and_ends_neither_thread(caplog):
    """A control without a way between its ends, which no patch gets past its checks, met by soft take-over."""
    show = Show(**{"cc14/1": {"to": "/walk/speed", "low": 1.0}, "cc/7": {"to": "/walk/speed", "low": 1.0}, "cc/8": "/walk/steps"})
    show.desk.take(cc(33, 10), PORT, show.t)
    for _ in range(3):
        show.tick()
    assert show.desk.counts["faults"] == 1, "in a tick"
    show.play(cc(7, 10))
    assert show.desk.counts["faults"] == 2, "by a message"
    assert any(record.exc_info for record in caplog.records)
    show.play(cc(8, 30), cc(8, 127))
    assert show.tree.leaf("/walk/steps").base == 12


@pytest.mark.parametrize("packets", [20_000, pytest.param(2_000_000, marks=pytest.mark.soak)])
def test_noise_never_ends_midi_for_what_follows(packets):
    """Fault 8, its short form: random bytes, a megabyte of system exclusive, a clock of 1 kHz."""
    show, wire, draw = (
        Show(**{"cc/21": {"to": "/walk/speed", "takeover": "jump"}, "cc14/1": "/walk/rate_hz"}),
        ByteParser(),
        random.Random(8),
    )
    for index in range(packets):
        data = [0xF8] if index % 2 else [draw.randrange(256) for _ in range(draw.randrange(12))]
        for message in wire.feed(data):
            show.desk.take(message, PORT, show.t + index / 1000.0)
        if index % 10 == 0:
            show.t += 0.01
            show.tick()
    assert list(wire.feed([0xF0, *[1] * 1_000_000, 0xF7])) == []
    frame = show.desk.notes.into(features(0, show.t))
    assert all(-1.0 <= value <= 1.0 for value in frame.values.values())
    for message in wire.feed([0xB0, 21, 127]):
        show.play(message)
    assert show.tree.leaf("/walk/speed").base == 1.0
