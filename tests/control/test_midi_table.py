"""The [midi] table of patches: what it says, and what its errors name."""

from pathlib import Path

import numpy as np
import pytest
from song import INFO, frame, step, tree

from engine.control.action import action_leaves
from engine.control.patch import MACROS, Patch, PatchError, load_patch
from engine.control.signals import Signals
from engine.core import resources
from engine.core.types import Event
from engine.features.analysis.analyser import feature_names
from engine.instrument.patch_player import PatchPlayer
from engine.instrument.show_params import Switches

HEAD = """schema = 1
[mover]
walk = {}
[classes]
kind = "class_integrator"
palette = { sea = 1.0, sky = 1.0, city = 1.0 }
num_classes = 3
pitch_sensitivity = 299
smooth_factor = 1
"""
MACRO_TABLE = "[macro]\n" + "".join(f'{name} = {{ "/shader/grade/hue" = 0.1 }}\n' for name in MACROS)


def load(folder: Path, midi: str, before: str = "") -> Patch:
    path = folder / "hands.toml"
    path.write_text(f"{HEAD}{before}[midi]\n{midi}\n{MACRO_TABLE}")
    return load_patch(path)


def wire(patch: Patch) -> PatchPlayer:
    within = tree()
    within.attach("", Switches().leaves)
    within.replace((), action_leaves())
    return PatchPlayer(patch, within, INFO, 1, 48000, 256)


def test_every_line_of_the_manual_is_taken(tmp_path):
    patch = load(
        tmp_path,
        """
        "cc/21" = "/walk/speed"
        "3/cc/7" = { to = "/shader/bloom/amount", takeover = "jump" }
        "cc14/16" = { to = "/latent/truncation", low = 0.8, high = 0.2 }
        "relative/20" = { to = "/shader/bloom/amount", encoding = "sign" }
        "note/36" = "/panic"
        "note/37" = { to = "/blackout", press = "hold" }
        "note/38" = { to = "/walk/speed", value = 0.9 }
        bend = "/shader/grade/hue"
        aftertouch = "/macro/5"
        "aftertouch/60" = "/macro/6"
        "program/3" = { to = "/patch/load", value = "tidal" }
        """,
    )
    wire(patch)
    controls = [(spec.channel, spec.kind, spec.number, spec.address) for spec in patch.midi]
    assert controls == [
        (0, "cc", 21, "/walk/speed"),
        (3, "cc", 7, "/shader/bloom/amount"),
        (0, "cc14", 16, "/latent/truncation"),
        (0, "relative", 20, "/shader/bloom/amount"),
        (0, "note", 36, "/panic"),
        (0, "note", 37, "/blackout"),
        (0, "note", 38, "/walk/speed"),
        (0, "bend", -1, "/shader/grade/hue"),
        (0, "aftertouch", -1, "/macro/5"),
        (0, "aftertouch", 60, "/macro/6"),
        (0, "program", 3, "/patch/load"),
    ]
    assert [spec.takeover for spec in patch.midi[:3]] == ["soft", "jump", "soft"]
    assert {spec.takeover for spec in patch.midi[4:]} == {"jump"}
    assert (patch.midi[2].low, patch.midi[2].high) == (0.8, 0.2)


def test_a_patch_without_it_has_no_bindings():
    assert load_patch(resources.find("patches", "foundry.toml")).midi == ()


@pytest.mark.parametrize(
    ("line", "key", "message"),
    [
        ('"cc/21" = "/walk/sped"', "midi.cc/21", "expected the address of a parameter (did you mean '/walk/speed'?)"),
        ('"cc/120" = "/walk/speed"', "midi.cc/120", "expected cc/0..119; got 'cc/120'"),
        ('"cc14/32" = "/walk/speed"', "midi.cc14/32", "expected cc14/0..31; got 'cc14/32'"),
        ('"17/cc/1" = "/walk/speed"', "midi.17/cc/1", "expected a channel of 1..16; got 17"),
        ('"knob/1" = "/walk/speed"', "midi.knob/1", "expected a control, as cc/21 or 3/note/36, of cc, cc14"),
        ('"cc/one" = "/walk/speed"', "midi.cc/one", "expected cc/0..119; got 'cc/one'"),
        ('"cc/²" = "/walk/speed"', "midi.cc/²", "expected cc/0..119"),
        ('"note" = "/walk/speed"', "midi.note", "expected note/0..127; got 'note'"),
        ('"bend/1" = "/walk/speed"', "midi.bend/1", "expected bend; got 'bend/1'"),
        ('"3" = "/walk/speed"', "midi.3", "expected a control"),
        ('"cc/1" = 5', "midi.cc/1", "expected an address or a table"),
        ('"cc/1" = { low = 0.1 }', "midi.cc/1", "expected an address after `to`; got None"),
        ('"cc/1" = { to = "/walk/speed", hi = 1 }', "midi.cc/1.hi", "expected one of to, low, high"),
        ('"cc/1" = { to = "/walk/speed", low = true }', "midi.cc/1.low", "expected a finite number; got True"),
        ('"cc/1" = { to = "/walk/speed", low = nan }', "midi.cc/1.low", "expected a finite number; got nan"),
        ('"cc/1" = { to = "/walk/speed", high = 99999.0 }', "midi.cc/1.high", "expected 0"),
        ('"cc/1" = { to = "/walk/speed", low = 0.5, high = 0.5 }', "midi.cc/1.high", "expected two different ends"),
        (
            '"cc14/16" = { to = "/latent/truncation", low = 1.0 }',
            "midi.cc14/16.low",
            "expected two different ends within 0..1; got 1 for both",
        ),
        ('"cc/1" = { to = "/latent/truncation", high = 0 }', "midi.cc/1.high", "expected two different ends within 0..1; got 0"),
        ('"cc/1" = { to = "/walk/speed", takeover = "hard" }', "midi.cc/1.takeover", "expected one of soft, jump; got 'hard'"),
        ('"relative/1" = { to = "/walk/speed", encoding = "x" }', "midi.relative/1.encoding", "expected one of complement, sign"),
        ('"relative/1" = "/blackout"', "midi.relative/1", "expected a number for an encoder to turn; got /blackout, a bool"),
        ('"cc/1" = { to = "/walk/speed", press = "hold" }', "midi.cc/1.press", "expected a switch to hold on"),
        ('"cc/1" = { to = "/blackout", high = 1.0 }', "midi.cc/1.high", "expected a parameter with a range"),
        ('"cc/1" = "/patch/load"', "midi.cc/1", "expected the value that it sets, for /patch/load NAME; got none"),
        ('"program/1" = "/walk/speed"', "midi.program/1", "expected the value that it sets; got none for /walk/speed, a float"),
        ('"program/1" = { to = "/patch/load", value = 3.5 }', "midi.program/1.value", "expected text"),
        ('"program/1" = { to = "/patch/load", value = 0 }', "midi.program/1.value", "expected the value that calls"),
        ('"cc/1" = "/macro/1"\n"cc/1" = "/macro/2"', "", "expected TOML"),
        ('"cc/1" = "/macro/1"\n"cc14/1" = "/macro/2"', "midi.cc14/1", "expected each control once; got 'cc14/1' beside 'cc/1'"),
        ('"cc/33" = "/macro/1"\n"cc14/1" = "/macro/2"', "midi.cc14/1", "expected each control once"),
        ('"cc/1" = "/macro/1"\n"relative/1" = "/macro/2"', "midi.relative/1", "expected each control once"),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path, line, key, message):
    with pytest.raises(PatchError) as caught:
        wire(load(tmp_path, line))
    number = len(HEAD.splitlines()) + 2 + line.count("\n")
    assert str(caught.value).startswith(f"{tmp_path / 'hands.toml'}:{number}: {key}")
    assert message in str(caught.value)


def test_the_table_must_be_one(tmp_path):
    path = tmp_path / "hands.toml"
    path.write_text(HEAD.replace("schema = 1", "schema = 1\nmidi = 3") + MACRO_TABLE)
    with pytest.raises(PatchError, match=r"hands\.toml:2: midi: expected a table; got 3"):
        load_patch(path)


# --- what hands play, as sources ---------------------------------------------------------------------------------------------


def test_what_is_played_is_a_source_like_what_is_heard():
    signals = Signals(feature_names())
    names = ("midi/gate", "midi/velocity", "midi/note", "midi/bend", "midi/pressure", "midi/chroma/7", "event/note", "chroma/7")
    slots = [signals.slot(name) for name in names]
    chroma = np.zeros(12, np.float32)
    chroma[7] = 0.5
    played = {"midi/gate": 1.0, "midi/velocity": 0.6, "midi/note": 0.4, "midi/bend": -1.0, "midi/pressure": 0.3}
    heard = frame(0, played, (Event("note", 0.0, 0.6),), **{"midi/chroma": chroma})
    signals.listen(heard)
    assert [round(signals.now[slot], 6) for slot in slots] == [1.0, 0.6, 0.4, -1.0, 0.3, 0.5, 0.6, 0.0]
    assert [signals.heard[slot] for slot in slots] == [False] * 7 + [True]  # /audio/amount is no business of hands
    signals.listen(frame(1))
    assert not any(signals.now)


@pytest.mark.parametrize("source", ["midi/loudnes", "midi/velocit", "midi/chroma/12", "velocity", "event/noot"])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(LookupError, match=r"expected a source( \(did you mean .*\))?, one of"):
        Signals(feature_names()).slot(source)


def test_a_route_follows_the_keyboard_whatever_the_amount_of_audio(tmp_path):
    route = '[route]\nhit = { from = "midi/velocity", to = "/walk/amount", amount = 0.5 }\n'
    player = wire(load(tmp_path, "", route))
    player.tree.post("/audio/amount", 0.0)
    player.tree.post("/walk/amount", 0.0)
    for index in range(200):
        tick = step(player, frame(index, {"midi/velocity": 0.8}))
    assert tick.params["/walk/amount"] == pytest.approx(0.4)


def test_held_notes_choose_the_classes_in_place_of_the_sound(tmp_path):
    player = wire(load(tmp_path, ""))
    both, sound, keys = np.full(12, 0.1, np.float32), np.zeros(12, np.float32), np.zeros(12, np.float32)
    both[[0, 4]] = 1.0, 0.9  # so that each of the two pitches has a class of its own
    sound[0], keys[4] = 1.0, 1.0
    leads = []
    for index in range(1200):
        if index == 900:
            player.tree.post("/mix/notes", False)
        played = {"midi/chroma": keys} if index >= 600 else {}
        tick = step(player, frame(index, {}, chroma=both if index < 400 else sound, **played))
        leads.append(int(np.argmax(tick.latent.y)))
    assert leads[599] != leads[899]
    assert leads[599] == leads[1199]
