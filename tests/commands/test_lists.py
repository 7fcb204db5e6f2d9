"""Commands that list what there is: parts, parameters, models, patches, shows; and doctor."""

import json
import re
from pathlib import Path

import pytest
from command_line import run

from engine.core.params import Parametric
from engine.core.registry import PACKAGES, lookup, names


@pytest.mark.parametrize("kind", PACKAGES)
def test_parts_prints_every_part_of_a_kind_with_all_that_can_be_set(kind: str) -> None:
    done, told = run("parts", kind), run("parts", kind, "--markdown").output
    assert done.exit_code == 0, done.output
    found = json.loads(run("parts", kind, "--json").output)
    assert tuple(part["name"] for part in found) == names(kind)
    for part in found:
        assert part["doc"]
        assert f"{kind} {part['name']}\n" in done.output
        assert f"### {kind} `{part['name']}`" in told
        assert all(one["name"] in done.output and one["doc"] in told for one in part["parameters"])
        assert all(name in done.output for key in ("values", "vectors", "events") for name in part.get(key, ()))
        declared = lookup(kind, part["name"])
        if issubclass(declared, Parametric):
            assert [one["name"] for one in part["parameters"]] == [param.name for param in declared.params()]


def test_parts_of_an_unknown_kind_lists_the_kinds() -> None:
    done = run("parts", "smell")
    assert done.exit_code == 2
    assert all(repr(kind) in done.output for kind in PACKAGES)


def test_params_is_a_reference_of_every_parameter() -> None:
    done = run("params", "--json")
    assert done.exit_code == 0, done.output
    table = {entry["address"]: entry for entry in json.loads(done.output)}
    truncation = table["/latent/truncation"]
    assert truncation["flag"] == "--latent.truncation"
    assert truncation["kind"] == "float"
    assert all(entry["doc"] for entry in table.values())
    assert {f"/macro/{number}" for number in range(1, 9)} <= table.keys()
    assert any(address.startswith("/shader/") for address in table)
    markdown = run("params", "--match", "/latent/").output.splitlines()
    assert markdown[0].startswith("| address | kind | range |")
    assert len(markdown) == 2 + sum("/latent/" in address for address in table)


def test_models_checks_the_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import resources

    monkeypatch.setattr(resources, "_added", [])
    bundled = resources.find("models", "light")
    assert run("models").exit_code == 0
    copy = tmp_path / "models" / "light"
    copy.mkdir(parents=True)
    for file in bundled.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    weights = copy / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    resources.add_assets(tmp_path)
    done = run("models")
    assert done.exit_code == 1
    assert "sha256" in done.output
    assert "damaged" in done.output


def test_patches_lists_titles_and_tells_of_a_broken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import resources

    monkeypatch.setattr(resources, "_added", [])
    done = run("patches")
    assert done.exit_code == 0, done.output
    assert "first-light" in done.output
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "torn.toml").write_text("schema = 1\n[mover")
    resources.add_assets(tmp_path)
    done = run("patches")
    assert done.exit_code == 1
    assert re.search(r"torn\s+broken: .*torn\.toml:2: expected TOML", done.output)


def test_lists_read_the_assets_that_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core import resources

    monkeypatch.setattr(resources, "_added", [])
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches" / "mine.toml").write_bytes(resources.find("patches", "first-light.toml").read_bytes())
    for words in (("patches",), ("params", "mine", "--match", "/latent/"), ("parts", "pass"), ("models",), ("shows",)):
        monkeypatch.setattr(resources, "_added", [])
        done = run(*words, "--assets", str(tmp_path))
        assert done.exit_code == 0, done.output
        assert words != ("patches",) or "mine" in done.output
        assert resources.roots()[0] == tmp_path.resolve()


def test_shows_says_how_to_save_one_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert run("shows").output == "no show is saved yet: /show/save NAME saves the one that plays\n"


def test_doctor_finds_nothing_that_stops_a_performance() -> None:
    done = run("doctor", "--json")
    findings = {finding["about"]: finding for finding in json.loads(done.output)}
    assert done.exit_code == 0, done.output
    about = {"OpenGL", "window", "recording", "audio", "MIDI", "ports", "runtimes", "model light"}
    assert about <= findings.keys()
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")


def test_doctor_says_who_has_the_port() -> None:
    import socket

    from engine.commands.doctor import OSC_PORT, check_ports

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", OSC_PORT))
        finding = next(iter(check_ports()))
    assert finding.state == "note"
    assert str(OSC_PORT) in finding.advice
