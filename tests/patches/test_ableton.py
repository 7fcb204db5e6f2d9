import itertools
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.host_patches import controls
from tools.host_patches.__main__ import written
from tools.host_patches.max_patcher import SHAPES

FOLDER = Path(__file__).resolve().parent.parent.parent / "patches" / "ableton"
DEVICE, PATCHER, SCRIPT = FOLDER / "Clavilux.amxd", FOLDER / "Clavilux.maxpat", FOLDER / "clavilux.js"
DEEPEST = 169.0  # pixels of a device's face in Live

# What Live would do, for the script: a set whose scenes blink and stop blinking, and an outlet that is printed.
LIVE = """
const outputs = [];
const watching = [];
const set = { playing: 1, names: ["Intro", "cx:tidal", "cx:voyage second verse", "cx:", "cx: mandala"] };
class LiveAPI {
    constructor(callback, path) { this.callback = callback; this.path = path; this.id = 1; watching.push(this); }
    set property(name) { this.watched = name; if (name) { this.callback([name, 0]); } }
    getcount(child) { return set.names.length; }
    get(name) {
        if (name === "is_playing") { return [set.playing]; }
        return set.names[Number(this.path.split(" ").pop())].split(" ");
    }
}
function outlet(number, ...message) { outputs.push(message); }
function blink(index, on) {
    watching.filter((one) => one.path === "live_set scenes " + index && one.watched === "is_triggered" && one.id !== 0)
        .forEach((one) => one.callback(["is_triggered", on]));
}
"""


@pytest.fixture(scope="module")
def patcher() -> dict[str, Any]:
    held: dict[str, Any] = json.loads(PATCHER.read_text())["patcher"]
    return held


@pytest.fixture(scope="module")
def boxes(patcher: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["box"]["id"]: item["box"] for item in patcher["boxes"]}


def parameters(boxes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What Live stores, automates and shows: box -> its settings."""
    held = {name: box for name, box in boxes.items() if box.get("parameter_enable")}
    return {name: box["saved_attribute_attributes"]["valueof"] for name, box in held.items()}


def test_the_device_is_a_container_of_the_patcher() -> None:
    data = DEVICE.read_bytes()
    chunks, place = {}, 0
    while place < len(data):
        tag, length = struct.unpack_from("<4sI", data, place)
        chunks[tag] = data[place + 8 : place + 8 + length]
        place += 8 + length
    assert place == len(data)
    assert list(chunks) == [b"ampf", b"meta", b"ptch"]
    assert chunks[b"ampf"] == b"aaaa"  # an audio effect
    assert chunks[b"meta"] == bytes(4)
    assert chunks[b"ptch"] == PATCHER.read_bytes() + b"\0"
    assert json.loads(chunks[b"ptch"].rstrip(b"\0"))["patcher"]["project"]["amxdtype"] == struct.unpack("<I", b"aaaa")[0]


@pytest.mark.parametrize("path", [DEVICE, PATCHER])
def test_the_files_are_what_the_generator_writes(path: Path) -> None:
    assert path.read_bytes() == written()[path], "run `python -m tools.host_patches`"


def test_every_line_joins_an_outlet_to_an_inlet(patcher: dict[str, Any], boxes: dict[str, dict[str, Any]]) -> None:
    lines = [item["patchline"] for item in patcher["lines"]]
    assert len(lines) > 60
    for line in lines:
        (source, outlet), (sink, inlet) = line["source"], line["destination"]
        assert outlet < boxes[source]["numoutlets"], line
        assert inlet < boxes[sink]["numinlets"], line
    assert len({json.dumps(line) for line in lines}) == len(lines)


def test_boxes_have_the_inlets_and_outlets_of_their_class(boxes: dict[str, dict[str, Any]]) -> None:
    for box in boxes.values():
        kind = box["text"].split()[0] if box["maxclass"] == "newobj" else box["maxclass"]
        inlets, outlets = SHAPES[kind]
        assert (box["numinlets"], box.get("outlettype", [])) == (inlets, list(outlets)), box["id"]


def test_every_control_reaches_the_network(patcher: dict[str, Any], boxes: dict[str, dict[str, Any]]) -> None:
    nexts: dict[str, set[str]] = {}
    for item in patcher["lines"]:
        nexts.setdefault(item["patchline"]["source"][0], set()).add(item["patchline"]["destination"][0])
    for name in [*parameters(boxes), "sync", "tempo", "scenes"]:
        reached, fresh = set[str](), {name}
        while fresh:
            reached |= fresh
            fresh = set().union(*(nexts.get(box, set()) for box in fresh)) - reached
        assert "udpsend" in reached, name


def test_the_tempo_switch_opens_the_gates_before_it_asks_for_the_tempo(
    patcher: dict[str, Any], boxes: dict[str, dict[str, Any]]
) -> None:
    ends = [item["patchline"]["destination"][0] for item in patcher["lines"] if item["patchline"]["source"] == ["follow", 0]]
    assert set(ends) == {"bar-gate", "tempo-gate", "off"}
    assert min(ends, key=lambda name: boxes[name]["patching_rect"][0]) == "off"  # Max goes from right to left


def test_parameters_are_the_engines_and_unlike_each_other(patcher: dict[str, Any], boxes: dict[str, dict[str, Any]]) -> None:
    held = parameters(boxes)
    for key in ("parameter_longname", "parameter_shortname"):
        names = [values[key] for values in held.values()]
        assert len(set(names)) == len(names)
    for fader in controls.FADERS:
        dial = held[fader.name]
        assert boxes[fader.name]["maxclass"] == "live.dial"
        assert (dial["parameter_type"], dial["parameter_mmin"], dial["parameter_mmax"]) == (0, 0.0, 1.0)
        assert dial["parameter_initial"] == [fader.rest]
        assert not dial.get("parameter_invisible")  # automated, mapped and stored
    assert held["macro-1"]["parameter_longname"] == "Macro 1 Energy"
    listed = {name: values[:2] for name, values in patcher["parameters"].items() if isinstance(values, list)}
    assert listed == {name: [values["parameter_longname"], values["parameter_shortname"]] for name, values in held.items()}
    for bank in patcher["parameters"]["parameterbanks"].values():
        assert len(bank["parameters"]) == 8
        assert set(bank["parameters"]) - {"-"} <= {values["parameter_longname"] for values in held.values()}


def test_whatever_is_sent_is_an_address_of_the_engine(boxes: dict[str, dict[str, Any]], addresses: set[str]) -> None:
    texts = [box.get("text", "") for box in boxes.values()] + [SCRIPT.read_text().replace('"', " ")]
    sent = {address for text in texts for address in re.findall(r"(?:^|\s)(/[a-z]+[/\w]*)", text)}
    expected = {fader.address for fader in controls.FADERS} | {switch.address for switch in controls.SWITCHES}
    assert sent == expected | {controls.PANIC_BUTTON.address, controls.BPM, controls.RESYNC, controls.RELEASE, controls.PATCH}
    assert sent <= addresses


def test_the_face_shows_everything_side_by_side(patcher: dict[str, Any], boxes: dict[str, dict[str, Any]]) -> None:
    shown = [(name, *box["presentation_rect"]) for name, box in boxes.items() if box.get("presentation")]
    assert set(parameters(boxes)) <= {item[0] for item in shown}
    for _, x, y, width, height in shown:
        assert x >= 0
        assert y >= 0
        assert x + width <= patcher["devicewidth"]
        assert y + height <= DEEPEST
    for one, other in itertools.combinations(shown, 2):
        _, x, y, width, height = one
        _, other_x, other_y, other_width, other_height = other
        apart = x + width <= other_x or other_x + other_width <= x or y + height <= other_y or other_y + other_height <= y
        assert apart, (one, other)


def test_the_script_turns_launches_into_patches(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js: apt-get install nodejs")
    play = """
bang();
blink(1, 1); blink(1, 0);                // launched: tidal
blink(0, 1); blink(0, 0);                // no patch's name
blink(2, 1); blink(1, 1); blink(2, 0);   // thought better of
blink(1, 0);                             // tidal once more
blink(2, 1); blink(2, 0);                // voyage, whatever follows
blink(3, 1); blink(3, 0); blink(4, 1); blink(4, 0);  // a prefix without a name
set.playing = 0; blink(1, 1); blink(1, 0);           // stopped before its bar
set.playing = 1; set.names = ["cx:foundry"]; watching[0].callback(["scenes"]);
blink(1, 1); blink(1, 0);                // deleted
blink(0, 1); blink(0, 0);
notifydeleted();
blink(0, 1); blink(0, 0);
console.log(JSON.stringify(outputs));
"""
    script = tmp_path / "play.js"
    script.write_text(LIVE + SCRIPT.read_text() + play)
    subprocess.run([node, "--check", str(SCRIPT)], check=True, timeout=60)
    done = subprocess.run([node, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [["/patch/load", name] for name in ("tidal", "tidal", "voyage", "foundry")]


def test_the_script_keeps_to_the_language_that_max_8_reads() -> None:
    code = re.sub(r"//.*", "", SCRIPT.read_text())
    assert not re.search(r"\b(let|const|class|async|await|import|export)\b|=>|`|\.\.\.", code)
