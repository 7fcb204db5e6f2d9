import time
from pathlib import Path

import pytest
from song import CLASSES, INFO, tree

from engine.control.patch import MACROS, PatchError, load_patch
from engine.control.patch_watcher import PatchWatcher
from engine.core import resources
from engine.instrument.patch_player import PatchPlayer

PATCHES = resources.listing("patches", "*.toml")
MACRO_LINES = "".join(f'{name} = {{ "/shader/grade/hue" = 0.1 }}\n' for name in MACROS)
GOOD = f"""schema = 1
title = "Test"

[mover]
walk = {{ amount = 0.4 }}

[classes]
palette = {{ sea = 1.0 }}

[controller]
hit = {{ kind = "envelope", from = "event/kick", decay_s = 0.2 }}

[route]
kick = {{ from = "hit", to = "/walk/amount", amount = 0.5 }}

[section.drop]
on = "drop"
set = {{ "/walk/amount" = 0.9 }}

[shader.bloom]
amount = 0.3

[macro]
{MACRO_LINES}"""


def write(folder: Path, text: str | bytes, name: str = "test.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def wire(path: Path) -> PatchPlayer:
    return PatchPlayer(load_patch(path), tree(), INFO, 1, 48000, 256)


def test_at_least_five_patches_with_eight_macros_each():
    assert len(PATCHES) >= 5
    for path in PATCHES:
        patch = load_patch(path)
        assert patch.title
        assert patch.doc
        assert {route.source for route in patch.routes if route.source.startswith("macro/")} == {
            f"macro/{name}" for name in MACROS
        }
        classes = {*patch.palette, *(name for section in patch.sections for name in section.classes)}
        assert 3 <= len(classes) <= 5 or patch.name == "wildcard"
        wire(path)


def test_what_a_patch_sets_is_in_the_tree(tmp_path):
    player = wire(write(tmp_path, GOOD))
    leaf = player.tree.leaf
    assert leaf("/shader/bloom/amount").base == 0.3
    assert leaf("/walk/amount").base == 0.4
    assert leaf("/hit/decay_s").base == pytest.approx(0.2)
    assert leaf("/route/kick/amount").base == 0.5
    assert leaf("/route/kick/mute").base is False
    assert leaf("/classes/sea").base == 1.0
    assert leaf("/classes/lava").base == 0.0
    assert {f"/macro/{n}" for n in range(1, 9)} <= set(player.tree)
    assert {f"/classes/{name}" for name in CLASSES} <= set(player.tree)


def test_a_byte_order_mark_is_no_part_of_a_patch(tmp_path):
    marked = load_patch(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode().replace(b"\n", b"\r\n")))
    assert marked.title == "Test"
    wire(marked.path)
    with pytest.raises(PatchError, match=r":5: mover.walk.amount: expected 0..1; got 4"):
        wire(write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("amount = 0.4", "amount = 4").encode()))
    with pytest.raises(PatchError, match=r":1: expected UTF-8 text; got byte 0xff"):
        load_patch(write(tmp_path, GOOD.encode("utf-16")))


BAD = [
    ("schema = 1", "schema = 3", r":1: schema: expected 1; got 3 \(made by a newer version\)"),
    ("schema = 1", "", r":1: schema: expected 1; got None"),
    ("[mover]", "[movr]", r":4: movr: expected one of .*did you mean 'mover'\?\); got 'movr'"),
    ("amount = 0.4", "amuont = 0.4", r":5: mover.walk.amuont: expected one of amount, speed, jitter \(did you mean 'amount'"),
    ("amount = 0.4", "amount = 4", r":5: mover.walk.amount: expected 0..1; got 4"),
    ("amount = 0.4", 'amount = "much"', r":5: mover.walk.amount: expected float for amount; got 'much'"),
    ("walk =", "wlak =", r":5: mover.wlak.kind: expected a mover, one of .*did you mean 'walk'"),
    ("sea = 1.0", "see = 1.0", r":8: classes.palette.see: expected a class of the model.*did you mean 'sea'"),
    ("{ sea = 1.0 }", "{}", r":8: classes.palette: expected at least one class"),
    ('kind = "envelope"', 'kind = "envelop"', r":11: controller.hit.kind: expected a controller.*did you mean 'envelope'"),
    ("event/kick", "event/kik", r":11: controller.hit.from: expected a source.*did you mean 'event/kick'.*got 'event/kik'"),
    ("decay_s = 0.2", "decay = 0.2", r":11: controller.hit.decay: expected one of decay_s"),
    ("hit =", "loudness =", r":11: controller.loudness: expected a new name"),
    ("hit =", "stage =", r":11: controller.stage: expected a name of its own"),
    ("/walk/amount\", amount", "/walk/amout\", amount", r":14: route.kick: expected the address.*did you mean '/walk/amount'"),
    ('from = "hit"', 'form = "hit"', r":14: route.kick.form: expected one of from, to, amount \(did you mean 'from'"),
    ('to = "/walk/amount", ', "", r":14: route.kick: expected the key 'to'"),
    ('to = "/walk/amount"', 'to = "/stage/fit"', r":14: route.kick: expected a parameter with a range; got /stage/fit"),
    ("amount = 0.5 }", "amount = inf }", r":14: route.kick.amount: expected a finite number; got inf"),
    ('on = "drop"', "on = 3", r":17: section.drop.on: expected text; got 3"),
    ('on = "drop"', "", r":16: section.drop.on: expected the kinds of event"),
    ('{ "/walk/amount" = 0.9 }', '{ "/walk/amonut" = 0.9 }', r":18: section.drop.set./walk/amonut: expected the address"),
    ("[shader.bloom]", "[shader.blom]", r":21: shader.blom.amount: expected the address.*did you mean '/shader/bloom/amount'"),
    ("amount = 0.3", "amount = true", r":21: shader.bloom.amount: expected float"),
    ("flash = {", "flush = {", r".*macro.flush: expected one of .*did you mean 'flash'"),
    ("amount = 0.3", "amount = ", r":21: expected TOML; Invalid value.*got 'amount ='"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BAD, ids=[f"{old[:12]}->{new[:14]}" for old, new, _ in BAD])
def test_errors_name_file_line_and_key(tmp_path, old, new, message):
    assert GOOD.count(old) == 1 or old in ("[mover]", "event/kick")
    with pytest.raises(PatchError, match="test.toml" + message) as caught:
        wire(write(tmp_path, GOOD.replace(old, new, 1)))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_not_text_are_refused_with_their_line(tmp_path):
    with pytest.raises(PatchError, match=r":3: expected UTF-8 text; got byte 0xff"):
        load_patch(write(tmp_path, b"schema = 1\n\n\xff"))


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.stem)
def test_a_patch_cut_at_any_byte_is_refused_with_file_and_line(tmp_path, path):
    whole = path.read_bytes().rstrip()
    for end in range(0, len(whole), 1 if path.stem == "first-light" else 7):
        with pytest.raises(PatchError, match=r"cut.toml:\d+: ") as caught:
            load_patch(write(tmp_path, whole[:end], "cut.toml"))
        assert "expected" in str(caught.value)


def test_a_cut_patch_leaves_the_playing_one_as_it_is(tmp_path):
    player = wire(write(tmp_path, GOOD))
    playing = player.patch
    with pytest.raises(PatchError):
        player.offer(load_patch(write(tmp_path, GOOD[:-40])))
    with pytest.raises(PatchError):
        player.offer(load_patch(write(tmp_path, GOOD.replace('/walk/amount" =', '/walk/none" ='))))
    assert player.patch is playing


def until(condition, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_saved_patch_is_taken_and_a_bad_one_keeps_the_old(tmp_path):
    path = write(tmp_path, GOOD)
    taken, errors = [], []
    watcher = PatchWatcher(path, taken.append, errors.append, poll_s=0.02)
    try:
        write(tmp_path, GOOD.replace("amount = 0.3", "amount = 0.6"))
        assert until(lambda: taken)
        assert taken[-1].settings["/shader/bloom/amount"] == 0.6
        errors.clear()  # on a busy machine the file may have been seen half written
        write(tmp_path, GOOD.replace("[mover]", "[movr]"), "new.toml").replace(path)
        assert until(lambda: errors)
        assert "test.toml:4" in errors[-1]
        assert errors[-1].endswith("kept the patch that plays")
        path.unlink()
        time.sleep(0.1)
        write(tmp_path, GOOD, "new.toml").replace(path)  # as editors save
        assert until(lambda: len(taken) == 2)
        assert len(errors) == 1
    finally:
        watcher.close()
