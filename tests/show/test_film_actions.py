"""What is asked of a film: at its times, in its order; what makes no sense there is refused aloud."""

from pathlib import Path

import pytest

from engine.control.action import action_leaves
from engine.control.tree import ParamTree
from engine.core.types import Call, Change
from engine.instrument.instrument import Instrument, find_patch
from engine.instrument.show_params import Switches
from engine.show.cues import Cues
from engine.show.film import film
from engine.show.perform import open_model, open_sound


@pytest.fixture
def tree() -> ParamTree:
    tree = ParamTree()
    tree.attach("", Switches().leaves)
    tree.replace((), action_leaves())
    return tree


def test_cues_are_posted_once_in_order_of_time(tree: ParamTree) -> None:
    said: list[str] = []
    cues = Cues(tree, [(2.0, "/patch/load 'deep music'"), (0.5, "/freeze on"), (0.5, "/shot"), (1.0, "/panic")], said.append)
    cues.post(0.4)
    assert tree.take() == ()
    cues.post(0.5)
    cues.post(0.6)
    assert [(item.address, getattr(item, "value", ())) for item in tree.take()] == [("/freeze", True), ("/shot", ())]
    cues.post(9.0)
    panic, load = tree.take()
    assert isinstance(panic, Change)
    assert isinstance(load, Call)
    assert (panic.address, load.address, load.arguments) == ("/panic", "/patch/load", ("deep music",))
    cues.finish()
    assert not said


def test_a_cue_of_the_patch_that_a_cue_loads_is_looked_at_in_its_time_and_ends_no_film(tree: ParamTree) -> None:
    said: list[str] = []
    cues = Cues(tree, [(1.0, "/patch/load tidal"), (2.0, "/tide/depth 0.5"), (3.0, "/freeze on"), (99.0, "/shot")], said.append)
    for _ in range(70):
        tree.post("/freeze", False)
    cues.post(3.0)
    assert [item.address for item in tree.take()] == ["/freeze", "/patch/load"]
    assert len(said) == 1
    assert "/tide/depth" in said[0]
    assert "from --at 2 '/tide/depth 0.5'; the film goes on" in said[0]
    cues.finish()
    assert "expected a film of more than 99 s" in said[1]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("", "expected the address of a parameter"),
        ("/frieze on", "as /freeze"),
        ("/freeze", "expected a value after /freeze"),
        ("/freeze maybe", "expected bool"),
        ("/patch/load", "expected /patch/load NAME; got 0 arguments"),
        ("/record perhaps", "expected bool for on"),
    ],
)
def test_a_cue_that_cannot_be_posted_is_refused_before_the_film_begins(tree: ParamTree, words: str, wrong: str) -> None:
    with pytest.raises((LookupError, ValueError), match=wrong):
        Cues(tree, [(1.0, words)], print)


def test_a_film_does_what_makes_sense_there_and_refuses_the_rest_aloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.outputs.film import FilmSink

    monkeypatch.chdir(tmp_path)
    source, generator, said = open_sound("synthetic", False, False, 0), open_model("light", "auto", patient=True), list[str]()
    instrument = Instrument(find_patch("first-light"), generator.info, source.inputs)
    cues = [(0.1, "/shot"), (0.2, "/patch/load tidal"), (0.3, "/record 1"), (0.4, "/patch/load gone"), (0.4, "/macro/1 0.9")]
    try:
        generator.start()
        frames = film(instrument, source, generator, [FilmSink(Path("f.mp4"))], (320, 180), 30.0, 0.7, say=said.append, cues=cues)
    finally:
        generator.close()
        source.close()
    assert frames == 21
    assert instrument.player.patch.name == "tidal"
    assert instrument.tree.leaf("/macro/1").base == 0.9
    assert len(list((tmp_path / "out").glob("*.png"))) == 1
    assert "expected an action that a film does; got /record; the film goes on" in said
    assert any("expected a patch, one of" in line and "got 'gone'" in line for line in said)
