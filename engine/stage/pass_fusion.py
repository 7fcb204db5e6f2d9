"""The passes as few programs: functions of coordinate and colour are fused up to the next pass that needs neighbours."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.core import resources
from engine.stage.gl_program import LINES
from engine.stage.passes import PassSource


@dataclass(frozen=True, slots=True)
class Segment:
    """Passes that are drawn by one program into one target."""

    first: bool  # reads the picture itself; the others read the target before them
    passes: tuple[PassSource, ...]

    @property
    def blur(self) -> PassSource | None:
        """The pass that needs the target before it blurred."""
        return self.passes[0] if self.passes and self.passes[0].kind == "blur" else None

    @property
    def memory(self) -> bool:
        """Whether its result is what its last pass remembers."""
        return bool(self.passes) and self.passes[-1].kind == "memory"


def split(passes: Sequence[PassSource], active: Collection[str]) -> tuple[Segment, ...]:
    """The programs for one frame: `active` names the optional passes whose amount is above 0."""
    segments: list[Segment] = []
    held: list[PassSource] = []

    def close() -> None:
        if held or not segments:
            segments.append(Segment(not segments, tuple(held)))
            held.clear()

    for item in passes:
        if item.optional and item.name not in active:
            continue
        if item.kind in ("neighbours", "blur") and (held or not segments):
            close()
        held.append(item)
        if item.kind == "memory":
            close()
    close()
    return tuple(segments)


def source(name: str) -> str:
    """The text of one of the presenter's own shaders."""
    return resources.find("shaders", f"stage/{name}.glsl").read_text(encoding="utf-8-sig")


def fragment(segment: Segment, sharp: bool) -> str:
    """The fragment shader of a segment. Line n of its pass k, counted from 1, is line k * LINES + n in compilers' errors."""
    parts = ["#version 330 core"]
    if sharp:
        parts.append("#define SHARP")
    parts += [source("prelude"), source("picture" if segment.first else "before")]
    for number, item in enumerate(segment.passes, 1):
        parts += [item.uniforms, f"#line {number * LINES + 1}", item.text]
    parts.append("#line 1")
    parts.append(f"vec3 read0(vec2 uv) {{ return {'picture' if segment.first else 'before'}(uv); }}")
    for number, item in enumerate(segment.passes, 1):
        inner = f"read{number - 1}"
        if item.kind == "coordinate":
            parts.append(f"vec3 read{number}(vec2 uv) {{ return {inner}({item.name}(uv)); }}")
        else:
            parts.append(f"vec3 read{number}(vec2 uv) {{ return {item.name}({inner}(uv), uv); }}")
    parts.append(f"void main() {{ result = vec4(finite(read{len(segment.passes)}(place)), 1.0); }}")
    return "\n".join(parts)


def blur_fragment(item: PassSource) -> str:
    """The shader that feeds the blur of a pass: the picture quartered, through the pass's own `name_in`."""
    parts = ["#version 330 core", source("prelude"), source("before"), item.uniforms, f"#line {LINES + 1}", item.text]
    return "\n".join([*parts, "#line 1", f"#define BRIGHT {item.name}_in", source("quarter")])
