import itertools
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from engine_to_play import Engine, until

from tools.host_patches import controls
from tools.host_patches.__main__ import written

FOLDER = Path(__file__).resolve().parent.parent.parent / "patches" / "puredata"
PATCH = FOLDER / "clavilux.pd"
HEARD = ("feed", "answer", "level", "kick", "beat", "heard-bpm", "alive", "colour-1", "macro-5", "freeze", "playing")


class Pd:
    """Pure Data with the patch open, without a window; what [print] says comes over stderr."""

    def __init__(self, opened: Sequence[Path], sent: Sequence[str]) -> None:
        program = shutil.which("pd")
        if program is None:
            pytest.skip("needs Pure Data: apt-get install puredata-core")
        quiet = ("-nogui", "-noaudio", "-nomidi", "-stderr", "-noprefs")
        words = [program, *quiet, "-path", str(FOLDER)]
        words += [word for path in opened for word in ("-open", str(path))]
        words += [word for message in sent for word in ("-send", message)]
        self.lines: list[str] = []
        self._process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def said(self, line: str) -> bool:
        return any(heard == line for heard in list(self.lines))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30.0)
        self._thread.join()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.strip())


@contextmanager
def opened(folder: Path, port: int, feed_port: int, sent: Sequence[str] = (), more: str = "") -> Iterator[Pd]:
    """The patch as it is but for the ports, beside one that prints what it receives. Pd must have nothing to complain of."""
    text = PATCH.read_text()
    for old, new in ((f"clavilux-connect 127.0.0.1 {controls.PORT}", port), (f"clavilux-listen {controls.FEED_PORT}", feed_port)):
        assert old in text
        text = text.replace(old, f"{old.rsplit(' ', 1)[0]} {new}")
    patch, watch = folder / PATCH.name, folder / "watch.pd"
    patch.write_text(text.replace("metro 5000", "metro 200"))
    boxes = [f"#X obj 10 {30 * row} r clavilux-{name};\n#X obj 200 {30 * row} print {name};" for row, name in enumerate(HEARD)]
    wires = [f"#X connect {2 * row} 0 {2 * row + 1} 0;" for row in range(len(HEARD))]
    watch.write_text("\n".join(["#N canvas 0 0 600 600 12;", *boxes, *wires, more]) + "\n")
    with closing(Pd((patch, watch), sent)) as pd:
        yield pd
    assert not [line for line in pd.lines if "error" in line or "no such" in line or "couldn't" in line]


def test_every_hand_of_the_panel_arrives_at_the_engine(engine: Engine, free_port: int, tmp_path: Path) -> None:
    positions = {fader.address: round(0.11 + 0.08 * place, 2) for place, fader in enumerate(controls.FADERS)}
    sent = [f"clavilux-{fader.name} {positions[fader.address]}" for fader in controls.FADERS]
    sent += [f"clavilux-{switch.name} 1" for switch in controls.SWITCHES]
    sent += [f"clavilux-{button.name} bang" for button in (controls.PANIC_BUTTON, *controls.TEMPO_BUTTONS)]
    sent += ["clavilux-bpm 133.5", "clavilux-pick-2 bang"]
    expected = positions | {switch.address: True for switch in controls.SWITCHES} | {controls.BPM: 133.5}
    expected |= {button.address: 1 for button in (controls.PANIC_BUTTON, *controls.TEMPO_BUTTONS)}
    expected |= {controls.PATCH: controls.patches()[1]}
    with opened(tmp_path, engine.port, free_port, sent):
        until(lambda: expected.keys() <= engine.came.keys(), f"all of {sorted(expected)} in {engine.came}")
    assert {address: engine.came[address] for address in expected} == {
        address: pytest.approx(value) if isinstance(value, float) else value for address, value in expected.items()
    }
    assert engine.refused == []


def test_the_panel_takes_over_what_the_engine_holds(engine: Engine, free_port: int, tmp_path: Path) -> None:
    engine.tree.post("/macro/5", 0.875)
    engine.tree.post("/freeze", True)
    until(lambda: {"/macro/5", "/freeze"} <= engine.came.keys(), "two values in force")
    engine.came.clear()
    with opened(tmp_path, engine.port, free_port) as pd:
        for line in ("macro-5: set 0.875", "freeze: set 1", "playing: set first-light", "alive: 1"):
            until(lambda line=line: pd.said(line), line)
    assert engine.came == {}  # shown, not sent back


def test_the_feed_moves_lamps_and_numbers(engine: Engine, free_port: int, tmp_path: Path) -> None:
    with opened(tmp_path, engine.port, free_port) as pd:
        for pattern in (
            r"level: 0?\.\d+",
            r"kick: 0?\.\d+|kick: 1",
            r"beat: \d+",
            r"heard-bpm: \d+.*",
            r"feed: feature chroma( \S+){12}",
        ):
            until(lambda pattern=pattern: any(re.fullmatch(pattern, line) for line in list(pd.lines)), pattern)
        until(lambda: pd.said("colour-1: color #ff8000"), "the commonest colour")


def test_a_port_typed_into_the_panel_connects_anew(engine: Engine, free_port: int, tmp_path: Path) -> None:
    engine.tree.post("/macro/5", 0.125)
    until(lambda: "/macro/5" in engine.came, "a value in force")
    sent = [f"clavilux-port {engine.port}", "clavilux-macro-1 0.75"]  # what the box sends on Enter
    with opened(tmp_path, free_port, free_port, sent) as pd:
        until(lambda: engine.came.get("/macro/1") == 0.75, f"a macro in {engine.came}")
        until(lambda: pd.said("macro-5: set 0.125"), "the answers of the engine")


def test_an_engine_that_starts_later_is_found(free_port: int, tmp_path: Path) -> None:
    with closing(Engine()) as first:
        port = first.port
    with opened(tmp_path, port, free_port, ["clavilux-macro-5 0.25"]) as pd:
        until(lambda: pd.said("macro-5: 0.25"), "the patch at work")
        with closing(Engine(port)):
            until(lambda: any(line.startswith("feed: feature loudness") for line in list(pd.lines)), "a feed")


def test_clavilux_send_sets_and_asks_any_address(engine: Engine, free_port: int, tmp_path: Path) -> None:
    more = "#X obj 300 10 r mine;\n#X obj 300 40 clavilux-send /walk/speed;\n#X connect 22 0 23 0;"
    with opened(tmp_path, engine.port, free_port, ["mine 0.5", "mine bang"], more) as pd:
        until(lambda: engine.came.get("/walk/speed") == 0.5, f"a walk of half the speed in {engine.came}")
        until(lambda: any(line.startswith("answer: walk speed") for line in list(pd.lines)), "an answer")


def test_the_file_is_what_the_generator_writes() -> None:
    assert PATCH.read_bytes() == written()[PATCH], "run `python -m tools.host_patches`"


def test_everything_sent_is_an_address_of_the_engine(addresses: set[str]) -> None:
    sent = set(re.findall(r"(?<= )/[a-z]+[/\w]*", PATCH.read_text()))
    assert {"/macro/1", "/tempo/tap", "/panic"} <= sent
    assert sent <= addresses


def test_boxes_do_not_cover_each_other() -> None:
    boxes = list(_boxes(PATCH.read_text()))
    assert len(boxes) > 150
    covering = [
        (one[5], other[5])
        for one, other in itertools.combinations(boxes, 2)
        if one[0] == other[0] and one[1] < other[3] and other[1] < one[3] and one[2] < other[4] and other[2] < one[4]
    ]
    assert covering == []


def _boxes(text: str) -> Iterator[tuple[int, float, float, float, float, str]]:
    """Every box but the coloured fields: its canvas, left, top, right, bottom, text. Text is 12 points, 7.3 pixels a letter."""
    depth, canvas, canvases = [0], 0, 0
    for line in text.strip().split(";\n"):
        words = line.replace(r"\$", "$").split()
        if words[0] == "#N":
            canvases += 1
            depth.append(canvas := canvases)
            continue
        if words[1] == "restore":
            depth.pop()
            canvas = depth[-1]
        if words[1] == "connect" or words[4:5] == ["cnv"]:
            continue
        left, top, rest = float(words[2]), float(words[3]), words[4:]
        if rest[0] in ("bng", "tgl"):
            wide = high = float(rest[1])
            label = rest[7 if rest[0] == "bng" else 5]
            wide += 0 if label == "empty" else 6 + 7.3 * len(label)
        elif rest[0] == "nbx":
            wide, high = 72 + 7.3 * len(rest[10]), float(rest[2])
        elif rest[0] in ("vsl", "hsl"):
            wide, high = float(rest[1]), float(rest[2])
            high += 18 if rest[0] == "vsl" else 0  # its name is below
            wide += 0 if rest[0] == "vsl" or rest[9] == "empty" else 8 + 6 * len(rest[9])
        elif words[1] in ("floatatom", "symbolatom"):
            wide, high = 7.3 * float(rest[0]) + 8, 20.0
        else:
            shown = " ".join(rest).replace(r"\;", ";\n").strip()
            rows = [row for part in shown.split("\n") for row in _wrapped(part)]
            wide, high = 7.3 * max(len(row) for row in rows) + 4, 16.0 * len(rows) + 4
        yield canvas, left, top, left + wide, top + high, " ".join(rest)


def _wrapped(line: str, width: int = 60) -> list[str]:
    """Pd breaks lines at sixty letters."""
    rows = [""]
    for word in line.split():
        rows = [*rows[:-1], f"{rows[-1]} {word}".strip()] if len(rows[-1]) + len(word) < width else [*rows, word]
    return rows
