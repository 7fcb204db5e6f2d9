"""One GL program that fills a target: compiled with errors that name the file, drawn with as few calls as may be."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import moderngl

from engine.stage.passes import PassError, PassSource

VERTEX = """#version 330 core
noperspective out vec2 place;
void main() {
    vec2 corner = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0);
    place = corner * 0.5 + 0.5;
    gl_Position = vec4(corner, 0.0, 1.0);
}
"""

LINES = 10_000  # room for one pass in the numbering of lines; source strings' numbers are lost by Mesa

# "0:12(3): error: ..." (Mesa), "0(12) : error ..." (NVIDIA), "ERROR: 0:12: ..." (Apple, AMD, Intel)
_ERROR = re.compile(r"(?:ERROR:\s*)?\d+[:(](\d+)(?:\(\d+\))?\)?\s*:\s*(.*)")


class Target:
    """A texture that can be drawn to: half float or, with dtype "f1", eight bits; edges clamped, read smoothly."""

    def __init__(self, context: Any, size: tuple[int, int], dtype: str = "f2", count: int = 1) -> None:
        self.size = size
        self.textures = [context.texture(size, 4, dtype=dtype) for _ in range(count)]
        for texture in self.textures:
            texture.repeat_x = texture.repeat_y = False
            texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self.framebuffer = context.framebuffer(self.textures)
        self.framebuffer.clear(0.0, 0.0, 0.0, 1.0)

    @property
    def texture(self) -> Any:
        """The (first) texture."""
        return self.textures[0]

    def release(self) -> None:
        """Give the memory back."""
        self.framebuffer.release()
        for texture in self.textures:
            texture.release()


class Program:
    """Fills a framebuffer by a fragment shader. Raises PassError with the pass's file and line if it does not compile."""

    def __init__(self, context: Any, fragment: str, passes: Sequence[PassSource] = (), vertex: str = VERTEX) -> None:
        try:
            self._program = context.program(vertex_shader=vertex, fragment_shader=fragment)
        except Exception as error:  # moderngl.Error, an untyped subclass of Exception
            raise PassError(located(str(error), passes)) from error
        self._vertices = context.vertex_array(self._program, [])
        found = (self._program[name] for name in self._program)
        members: list[Any] = [member for member in found if isinstance(member, moderngl.Uniform)]
        self._samplers: dict[str, int] = {}
        self._uniforms: dict[str, Any] = {}
        for member in members:
            if member.gl_type == 0x8B5E:  # GL_SAMPLER_2D
                member.value = self._samplers[member.name] = len(self._samplers)
            else:
                self._uniforms[member.name] = member
        self._known: dict[str, object] = {}

    def draw(self, framebuffer: Any, textures: Mapping[str, Any], values: Mapping[str, object]) -> None:
        """Fill `framebuffer`; names that the shader does not use are passed over."""
        for name, uniform in self._uniforms.items():
            value = values[name]
            if self._known.get(name) != value:
                uniform.value = self._known[name] = value
        for name, unit in self._samplers.items():
            textures[name].use(unit)
        framebuffer.use()
        self._vertices.render(moderngl.TRIANGLES, 3)

    def release(self) -> None:
        """Give the program back."""
        self._vertices.release()
        self._program.release()


def located(message: str, passes: Sequence[PassSource]) -> str:
    """A compiler's message with the file and line of the pass that it is about."""
    for line in message.splitlines():
        found = _ERROR.match(line.strip())
        number, row = divmod(int(found[1]), LINES) if found else (0, 0)
        if found and 1 <= number <= len(passes):
            return f"{passes[number - 1].path}:{row}: {found[2].removeprefix('error: ')}"
    names = ", ".join(str(item.path) for item in passes) or "the presenter's own shaders"
    return f"{names}: {' '.join(message.split())}"
