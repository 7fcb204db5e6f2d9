"""Passes as files: a `shaders/*.glsl` whose header comment declares its name, place, kind and parameters.

    // pass warp
    // order 20
    // kind coordinate
    // param amount 0.15 low=0 high=1 doc="Bends the picture."
    // param speed 0.2 low=0 high=2 rate doc="How fast it bends."

A parameter reaches the shader as the uniform `<pass>_<param>`; one marked `rate` as its integral over time, so that a
changing speed never jumps. The file then defines one function, named like the pass:

    coordinate  vec2 name(vec2 uv)               moves where the picture before it is read
    pointwise   vec3 name(vec3 color, vec2 uv)   colour to colour
    neighbours  the same, and may call before(uv): the picture before it, anywhere
    blur        the same, and may call blurred(uv): that picture through vec3 name_in(vec3 color), blurred wide
    memory      the same, and may call memory(uv): its own result one frame ago

Kinds that need neighbours or memory cost a program and a target, so they must have a parameter `amount`; at 0 they are
left out.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core import resources
from engine.core.params import Leaf, Param, ParamError
from engine.core.types import Value

KINDS = ("coordinate", "pointwise", "neighbours", "blur", "memory")
OPTIONAL = ("neighbours", "blur", "memory")  # left out of the chain while their amount is 0
GLSL_TYPES = {"float": "float", "int": "int", "bool": "bool"}


class PassError(ValueError):
    """A pass that cannot be used; the message starts with file and line."""


@dataclass(frozen=True, slots=True)
class PassSource:
    """One pass as read from its file."""

    name: str
    order: int
    kind: str
    path: Path
    text: str
    leaves: Mapping[str, Leaf]  # parameter name -> leaf
    rates: frozenset[str]  # the parameters that the shader sees integrated over time
    mtime_ns: int

    @property
    def optional(self) -> bool:
        """Whether an amount of 0 takes it out of the chain."""
        return self.kind in OPTIONAL

    @property
    def uniforms(self) -> str:
        """The declarations that its text needs."""
        return "\n".join(
            f"uniform {'float' if name in self.rates else GLSL_TYPES[leaf.param.kind]} {self.name}_{name};"
            for name, leaf in self.leaves.items()
        )


def load_passes(paths: Sequence[Path] | None = None) -> tuple[PassSource, ...]:
    """All passes, in the order in which they are drawn; those on the shelf `shaders` where no paths are given.

    Raises PassError with file and line.
    """
    passes = sorted((read_pass(path) for path in paths or resources.listing("shaders", "*.glsl")), key=lambda item: item.order)
    names: dict[str, Path] = {}
    for item in passes:
        if item.name in names:
            raise PassError(f"{item.path}:1: expected a name of its own; got {item.name}, which is {names[item.name]}")
        names[item.name] = item.path
    return tuple(passes)


def read_pass(path: Path) -> PassSource:
    """Parse one file. Raises PassError with file and line."""
    text, mtime_ns = path.read_text(encoding="utf-8-sig"), path.stat().st_mtime_ns
    head: dict[str, str] = {}
    leaves: dict[str, Leaf] = {}
    rates: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("//"):
            break
        word, _, rest = line[2:].strip().partition(" ")
        if word in ("pass", "order", "kind"):
            head[word] = rest.strip()
        elif word == "param":
            try:
                name, param, rate = _param(rest)
            except ValueError as error:
                raise PassError(f"{path}:{number}: {error}") from error
            leaves[name] = Leaf(param)
            if rate:
                rates.add(name)
    name, kind, order = head.get("pass", ""), head.get("kind", ""), head.get("order", "")
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
        raise PassError(f"{path}:1: expected a line '// pass name' with a name of small letters; got {name!r}")
    if kind not in KINDS:
        raise PassError(f"{path}:1: expected a line '// kind' with one of {', '.join(KINDS)}; got {kind!r}")
    if not re.fullmatch(r"-?\d+", order):
        raise PassError(f"{path}:1: expected a line '// order' with a whole number; got {order!r}")
    if kind in OPTIONAL and "amount" not in leaves:
        raise PassError(f"{path}:1: expected a parameter 'amount', at which 0 takes a pass of kind {kind} out; got none")
    return PassSource(name, int(order), kind, path, text, leaves, frozenset(rates), mtime_ns)


def _param(text: str) -> tuple[str, Param, bool]:
    words = shlex.split(text)
    if len(words) < 2 or not re.fullmatch(r"[a-z][a-z0-9_]*", words[0]):
        raise ValueError(f"expected 'param name default low=0 high=1 curve=lin unit=s doc=\"...\"'; got {text!r}")
    options: dict[str, str] = {}
    rate = False
    for word in words[2:]:
        key, equals, value = word.partition("=")
        if word == "rate":
            rate = True
        elif not equals or key not in ("low", "high", "curve", "unit", "doc"):
            raise ValueError(f"expected low=, high=, curve=, unit=, doc= or rate; got {word!r}")
        else:
            options[key] = value
    try:
        param = Param(
            _default(words[1]),
            doc=options.get("doc", ""),
            low=float(options.get("low", 0.0)),
            high=float(options.get("high", 1.0)),
            curve=options.get("curve", "lin"),
            unit=options.get("unit", ""),
        )
    except ParamError as error:
        raise ValueError(str(error)) from error
    param.name = words[0]
    if rate and param.kind != "float":
        raise ValueError(f"expected a float for a rate; got {words[1]!r}")
    return words[0], param, rate


def _default(word: str) -> Value:
    if word in ("true", "false"):
        return word == "true"
    try:
        return int(word) if re.fullmatch(r"-?\d+", word) else float(word)
    except ValueError:
        raise ValueError(f"expected a number, true or false as the default; got {word!r}") from None
