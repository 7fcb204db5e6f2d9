"""Patches: how sound becomes picture, as TOML. What is read here is checked for shape; names are checked when it is wired."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from engine.control.midi_table import MidiSpec, read_midi
from engine.control.pair_table import PairSpec, read_pairs

SCHEMA = 1
MODEL = "model"  # as a palette: the playing model's own classes
MACROS = ("energy", "speed", "chaos", "colour", "texture", "zoom", "flash", "audio")
TABLES = ("controller", "mover", "classes", "latent", "network", "shader", "stage", "route", "section", "macro", "midi", "pair")
TOP = ("schema", "title", "doc", *TABLES)
Keys = tuple[str, ...]


class PatchError(ValueError):
    """A patch that cannot be played; the message names file, line and key, what was expected and what came."""


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A controller or mover by name: its registered kind, its source (controllers only), its parameters' bases."""

    name: str
    kind: str
    source: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """`source` moves `address` by `amount` positions for each unit of source."""

    name: str
    source: str
    address: str
    amount: float
    keys: Keys


@dataclass(frozen=True, slots=True)
class SectionSpec:
    """While it lasts, the parameters in `settings` move to other values, and the classes to another palette."""

    name: str
    on: tuple[str, ...]  # event kinds that start it
    off: tuple[str, ...]  # event kinds that end it
    bars: float  # how long it lasts; 0: until an `off` event
    fade_s: float
    classes: Mapping[str, float]
    settings: Mapping[str, Any]  # address -> value


@dataclass(frozen=True, slots=True)
class Patch:
    """One mapping, complete and immutable. `settings` holds the bases outside its own parts, by address."""

    name: str
    path: Path
    text: str
    title: str
    doc: str
    controllers: tuple[PartSpec, ...]
    movers: tuple[PartSpec, ...]
    classes: PartSpec
    palette: Mapping[str, float]  # class -> weight; empty: classes of whatever model plays
    routes: tuple[RouteSpec, ...]
    sections: tuple[SectionSpec, ...]
    midi: tuple[MidiSpec, ...]
    pairs: tuple[PairSpec, ...]
    settings: Mapping[str, Any]
    settings_keys: Mapping[str, Keys] = field(repr=False)

    def fail(self, keys: Iterable[str], message: str) -> NoReturn:
        """Raise the PatchError of one key of this patch."""
        _fail(self.path, self.text, tuple(keys), message)


def load_patch(path: Path) -> Patch:
    """Read a patch. Raises PatchError for anything that is not one, OSError if it cannot be read."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PatchError(f"{path}:{line}: expected UTF-8 text; got byte 0x{raw[error.start]:02x}") from None
    except tomllib.TOMLDecodeError as error:
        at, line = str(error), len(text.splitlines())
        if "(at line " in at:
            line = int(at.split("(at line ")[1].split(",")[0])
        content = text.splitlines()[line - 1].strip() if 0 < line <= len(text.splitlines()) else ""
        raise PatchError(f"{path}:{line}: expected TOML; {at}; got {content[:60]!r}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets nested as deeply
        raise PatchError(f"{path}:1: expected TOML that can be read; got {error}") from None
    return _Reader(path, text, document).patch()


class _Reader:
    def __init__(self, path: Path, text: str, document: dict[str, Any]) -> None:
        self.path, self.text, self.document = path, text, document

    def patch(self) -> Patch:
        document = self.document
        schema = document.get("schema")
        if schema != SCHEMA or isinstance(schema, bool):
            newer = isinstance(schema, int) and schema > SCHEMA
            hint = " (made by a newer version)" if newer else ""
            self.fail(("schema",), f"expected {SCHEMA}; got {schema!r}{hint}")
        self.known((), document, TOP)
        settings: dict[str, Any] = {}
        keys: dict[str, Keys] = {}
        for top in ("latent", "network", "shader", "stage"):
            self.flatten((top,), self.table((), document, top), settings, keys)
        classes = dict(self.table((), document, "classes"))
        named = classes.pop("palette", None)
        palette = {} if named == MODEL else self.numbers(("classes", "palette"), named)
        if not palette and named != MODEL:
            wanted = f'at least one class with its weight, as {{ sea = 1.0 }}, or "{MODEL}" for those of any model'
            self.fail(("classes", "palette"), f"expected {wanted}; got none")
        kind = self.word(("classes", "kind"), classes.pop("kind", "class_pair"))
        return Patch(
            name=self.path.stem,
            path=self.path,
            text=self.text,
            title=self.word(("title",), document.get("title", self.path.stem)),
            doc=self.word(("doc",), document.get("doc", "")),
            controllers=self.parts("controller"),
            movers=self.parts("mover"),
            classes=PartSpec("classes", kind, "", classes),
            palette=palette,
            routes=(*self.routes(), *self.macros()),
            sections=self.sections(),
            midi=read_midi(self.table((), document, "midi"), self.fail),
            pairs=read_pairs(self.table((), document, "pair"), self.fail),
            settings=settings,
            settings_keys=keys,
        )

    def parts(self, top: str) -> tuple[PartSpec, ...]:
        found = []
        tables = self.table((), self.document, top)
        for name in tables:
            at = (top, name)
            body = dict(self.table((top,), tables, name))
            kind = self.word((*at, "kind"), body.pop("kind", name))
            source = self.word((*at, "from"), body.pop("from", "")) if top == "controller" else ""
            if "/" in name:
                self.fail(at, f"expected a name without a slash; got {name!r}")
            found.append(PartSpec(name, kind, source, body))
        return tuple(found)

    def routes(self) -> list[RouteSpec]:
        found = []
        tables = self.table((), self.document, "route")
        for name in tables:
            at = ("route", name)
            body = self.table(("route",), tables, name)
            self.known(at, body, ("from", "to", "amount"))
            for key in ("from", "to"):
                if key not in body:
                    self.fail(at, f"expected the key {key!r}; got {', '.join(body) or 'nothing'}")
            source, address = self.word((*at, "from"), body["from"]), self.word((*at, "to"), body["to"])
            found.append(RouteSpec(name, source, address, self.number((*at, "amount"), body.get("amount", 1.0)), at))
        return found

    def macros(self) -> list[RouteSpec]:
        """Every patch names all eight, so that any controller plays any patch."""
        found = []
        tables = self.table((), self.document, "macro")
        self.known(("macro",), tables, MACROS)
        for macro in MACROS:
            at = ("macro", macro)
            moves = self.numbers(at, tables.get(macro))
            if not moves:
                self.fail(at, f"expected the macro {macro!r} to move at least one address; got nothing")
            for address, amount in moves.items():
                name = macro + address.replace("/", "-")
                found.append(RouteSpec(name, f"macro/{macro}", address, amount, (*at, address)))
        return found

    def sections(self) -> tuple[SectionSpec, ...]:
        found = []
        tables = self.table((), self.document, "section")
        for name in tables:
            at = ("section", name)
            body = self.table(("section",), tables, name)
            self.known(at, body, ("on", "off", "bars", "fade_s", "classes", "set"))
            on, off = self.words((*at, "on"), body.get("on", [])), self.words((*at, "off"), body.get("off", []))
            bars, fade_s = (self.number((*at, key), body.get(key, 0.0)) for key in ("bars", "fade_s"))
            if not on:
                self.fail((*at, "on"), "expected the kinds of event that start the section; got none")
            if bars < 0.0 or fade_s < 0.0:
                self.fail((*at, "bars"), f"expected bars and fade_s of 0 or more; got {bars:g}, {fade_s:g}")
            classes = self.numbers((*at, "classes"), body.get("classes", {}))
            found.append(SectionSpec(name, on, off, bars, fade_s, classes, self.table(at, body, "set")))
        return tuple(found)

    def table(self, at: Keys, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        body = parent.get(key, {})
        if not isinstance(body, dict):
            self.fail((*at, key), f"expected a table; got {body!r}")
        return body

    def flatten(self, at: Keys, body: Mapping[str, Any], settings: dict[str, Any], keys: dict[str, Keys]) -> None:
        for key, value in body.items():
            if isinstance(value, dict):
                self.flatten((*at, key), value, settings, keys)
            else:
                address = "/" + "/".join((*at, key))
                settings[address] = tuple(value) if isinstance(value, list) else value
                keys[address] = (*at, key)

    def known(self, at: Keys, body: Mapping[str, Any], names: Iterable[str]) -> None:
        for key in body:
            if key not in names:
                self.fail((*at, key), f"expected one of {', '.join(names)}{suggest(key, names)}; got {key!r}")

    def word(self, at: Keys, raw: object) -> str:
        if not isinstance(raw, str):
            self.fail(at, f"expected text; got {raw!r}")
        return raw

    def words(self, at: Keys, raw: object) -> tuple[str, ...]:
        items = raw if isinstance(raw, list) else [raw]
        return tuple(self.word(at, item) for item in items)

    def number(self, at: Keys, raw: object) -> float:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not abs(raw) < 1e9:
            self.fail(at, f"expected a finite number; got {raw!r}")
        return float(raw)

    def numbers(self, at: Keys, raw: object) -> dict[str, float]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.fail(at, f"expected a table of numbers; got {raw!r}")
        return {key: self.number((*at, key), value) for key, value in raw.items()}

    def fail(self, at: Keys, message: str) -> NoReturn:
        _fail(self.path, self.text, at, message)


def suggest(word: str, names: Iterable[str]) -> str:
    """`` (did you mean 'x'?)`` where one of `names` is near to `word`, else nothing."""
    near = difflib.get_close_matches(word, list(names), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _fail(path: Path, text: str, keys: Keys, message: str) -> NoReturn:
    raise PatchError(f"{path}:{_line_of(text, keys)}: {'.'.join(keys)}: {message}") from None


def _line_of(text: str, keys: Keys) -> int:
    """The line, from 1, on which the deepest part of `keys` that the text holds is written."""
    best, depth, table = 1, 0, Keys()
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            table = _split(bare.strip("[]").split("]")[0])
            written = table
        elif "=" in bare and not bare.startswith("#"):
            written = table + _split(bare.split("=")[0])
            if written == keys[: len(written)] and keys[-1] in bare:  # inside an inline table
                written = keys
        else:
            continue
        common = sum(1 for _ in _agreeing(written, keys))
        if common > depth and common == min(len(written), len(keys)):
            best, depth = number, common
    return best


def _agreeing(left: Keys, right: Keys) -> Iterable[str]:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return
        yield one


def _split(dotted: str) -> Keys:
    """The parts of a TOML key: `shader.bloom`, `set."/latent/truncation"`."""
    parts: list[str] = []
    for index, piece in enumerate(dotted.strip().split('"')):
        parts += [piece] if index % 2 else [item.strip() for item in piece.split(".") if item.strip()]
    return tuple(parts)
