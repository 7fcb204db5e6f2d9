"""A show is a folder: what plays, what hands set, and whatever it needs that does not come with the program.

    show.toml                    patch, model, seed, sound, outputs, parameters that differ from the patch, MIDI bindings
    patches/ models/ shaders/    those of the user's own that it plays with
    audio/                       its track

The folder is complete: copied to another machine it plays there. It is put in place whole, or not at all.
"""

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.core import resources
from engine.core.types import Value
from engine.show.options import MidiMacro

SCHEMA = 1
FILE = "show.toml"
LARGEST = 4 << 20  # bytes of show.toml
AUDIO = "audio"
_TEXTS = ("patch", "model", "runtime", "audio", "monitor", "midi", "osc_bind", "osc_tcp")
_LISTS = ("outputs", "osc_out", "osc_allow")


class ShowError(ValueError):
    """A show that cannot be played; the message names the file, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class ShowFolder:
    """What show.toml says. `settings` are options of `clavilux play` by name; what is not there is as it is by default."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)  # address -> base
    midi_macros: tuple[MidiMacro, ...] = ()


def load_show(folder: Path) -> ShowFolder:
    """Read a show. Raises ShowError for anything that is not one."""
    _recover(folder)
    file = folder / FILE
    try:
        if file.stat().st_size > LARGEST:
            raise ShowError(f"expected a show of at most {LARGEST} bytes in {file}; got {file.stat().st_size}")
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except ShowError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise ShowError(f"expected a show in {file}; got {error}") from error
    schema = table.get("schema")
    if schema != SCHEMA or isinstance(schema, bool):
        newer = " (made by a newer version)" if isinstance(schema, int) and schema > SCHEMA else ""
        raise ShowError(f"expected schema = {SCHEMA} in {file}; got {schema!r}{newer}")
    settings = {name: _checked(file, name, table[name]) for name in SETTINGS if name in table}
    parameters, macros = table.get("parameters", {}), table.get("midi_macros", [])
    if not isinstance(parameters, dict) or not isinstance(macros, list):
        raise ShowError(f"expected a table of parameters and a list of midi_macros in {file}; got {str(parameters)[:80]}")
    bases = {address: _base(file, address, value) for address, value in parameters.items()}
    return ShowFolder(settings, bases, tuple(_macro(file, item) for item in macros))


def save_show(folder: Path, show: ShowFolder, patch: Path, model: Path, audio: Path | None) -> None:
    """Put a show in place of what is at `folder`, with what it needs from the user's shelves and its track. Raises OSError.

    `patch` and `model` are where those that play lie; `audio` is a file of sound, or None.
    """
    folder = folder.resolve()  # of a link, what it leads to
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        settings = dict(show.settings)
        if not resources.is_shipped(patch):
            _copy(patch, part / "patches" / patch.name)
        if not resources.is_shipped(model):
            shutil.copytree(model, part / "models" / model.name)
            settings["model"] = model.name
        for shader in resources.listing("shaders", "*.glsl"):
            if not resources.is_shipped(shader):
                _copy(shader, part / "shaders" / shader.name)
        if audio is not None:
            _copy(audio, part / AUDIO / audio.name)
            settings["audio"] = f"{AUDIO}/{audio.name}"
        (part / FILE).write_text(_written(settings, show), encoding="utf-8")
        old = _old(folder)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def find_show(name: str) -> Path:
    """The folder of a show: by its name on the shelf, or by its path. Raises FileNotFoundError."""
    folder = Path(name)
    _recover(folder)
    if (folder / FILE).is_file():
        return folder.resolve()
    if folder.name == name:
        _recover(resources.home() / "shows" / name)
        return resources.find("shows", name)
    raise FileNotFoundError(f"expected a folder with a {FILE}, or a show's name; got {name!r}")


def _recover(folder: Path) -> None:
    """A power cut between the two steps of a save left the show that was there under another name."""
    if not folder.exists() and (_old(folder) / FILE).is_file():
        _old(folder).rename(folder)


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(exist_ok=True)
    shutil.copyfile(file, to)


def _written(settings: Mapping[str, Any], show: ShowFolder) -> str:
    """show.toml as text: TOML's strings, numbers and arrays are written as JSON's are, but for what JSON leaves unescaped."""
    lines = [f"schema = {SCHEMA}", *(f"{name} = {_toml(value)}" for name, value in settings.items())]
    if show.midi_macros:
        lines += [
            "midi_macros = [  # port, channel, controller, macro, and how an endless encoder counts",
            *(f"    {_toml(item)}," for item in show.midi_macros),
            "]",
        ]
    lines += ["", "[parameters]", *(f"{_toml(address)} = {_toml(value)}" for address, value in show.parameters.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, float) and value == np.float32(value):
        value = float(str(np.float32(value)))  # OSC brings 0.8 as 0.800000011920929, and people read this file
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _size(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(side) is int and 16 <= side <= 8192 for side in value)


# What each setting must be: a test, and how it is said.
SETTINGS: dict[str, tuple[Callable[[object], bool], str]] = {
    **dict.fromkeys(_TEXTS, (lambda value: isinstance(value, str), "a text")),
    **dict.fromkeys(_LISTS, (_texts, "a list of texts")),
    "seed": (lambda value: type(value) is int and 0 <= value < 2**31, "a whole number from 0"),
    "size": (_size, "two sides from 16 to 8192"),
    "rate_hz": (lambda value: _number(value) and 1 <= float(str(value)) <= 240, "a number from 1 to 240"),
    "fullscreen": (lambda value: isinstance(value, bool), "true or false"),
    "loop": (lambda value: isinstance(value, bool), "true or false"),
}


def _checked(file: Path, name: str, value: object) -> Any:
    fits, wanted = SETTINGS[name]
    if not fits(value):
        raise ShowError(f"expected {name} to be {wanted} in {file}; got {value!r:.80}")
    return tuple(value) if isinstance(value, list) else value


def _base(file: Path, address: str, value: object) -> Value:
    if isinstance(value, list) and all(_number(item) for item in value):
        return tuple(float(item) for item in value)
    if isinstance(value, bool | str) or _number(value):
        return value  # type: ignore[return-value]
    raise ShowError(f"expected a value for {address[:80]} in {file}; got {value!r:.80}")


def _macro(file: Path, item: object) -> MidiMacro:
    match item:
        case [str(port), int(channel), int(controller), int(macro), *rest] if not any(isinstance(part, bool) for part in item):
            if not rest:
                return port, channel, controller, macro
            if len(rest) == 1 and isinstance(rest[0], str):
                return port, channel, controller, macro, rest[0]
    raise ShowError(f"expected port, channel, controller and macro in midi_macros of {file}; got {item!r:.80}")
