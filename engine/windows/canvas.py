"""One picture, boxes over it, letters over those: a page in three instanced draw calls."""

import moderngl
import numpy as np

from engine.core.types import FloatArray
from engine.windows.glyphs import SHEET, GlyphAtlas

Colour = tuple[float, float, float]
_FLOATS = 13  # rect 4, source 4, tint 4, radius
_ROOM = 1024  # shapes of a kind at first; grows by itself

_VERTEX = """
#version 330
uniform vec2 window;
in vec4 rect;
in vec4 source;
in vec4 tint;
in float corner;
out vec2 uv;
out vec2 place;
flat out vec2 middle;
flat out vec4 colour;
flat out float radius;
void main() {
    vec2 side = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    vec2 pixel = rect.xy + side * rect.zw;
    uv = source.xy + side * source.zw;
    middle = rect.zw * 0.5;
    place = side * rect.zw - middle;
    colour = tint;
    radius = corner;
    gl_Position = vec4(pixel.x / window.x * 2.0 - 1.0, 1.0 - pixel.y / window.y * 2.0, 0.0, 1.0);
}
"""
_BOX = """
#version 330
in vec2 place;
flat in vec2 middle;
flat in vec4 colour;
flat in float radius;
out vec4 result;
void main() {
    vec2 outside = abs(place) - middle + radius;
    float edge = length(max(outside, 0.0)) + min(max(outside.x, outside.y), 0.0) - radius;
    result = vec4(colour.rgb, colour.a * clamp(0.5 - edge, 0.0, 1.0));
}
"""
_LETTER = """
#version 330
uniform sampler2D sheet;
in vec2 uv;
flat in vec4 colour;
out vec4 result;
void main() { result = vec4(colour.rgb, colour.a * texture(sheet, uv).r); }
"""
_PICTURE = """
#version 330
uniform sampler2D sheet;
in vec2 uv;
out vec4 result;
void main() { result = vec4(texture(sheet, uv).rgb, 1.0); }
"""


class _Layer:
    """All shapes of one kind, drawn in one instanced call. One program for all kinds costs software GL three times as much."""

    def __init__(self, context: moderngl.Context, fragment: str) -> None:
        self.parts: list[FloatArray] = []
        self._program = context.program(vertex_shader=_VERTEX, fragment_shader=fragment)
        self._instances = context.buffer(reserve=_ROOM * _FLOATS * 4)
        # Inputs that a fragment shader does not use are dropped by the linker; their floats are padding then.
        spans = (("4f", "rect"), ("4f", "source"), ("4f", "tint"), ("1f", "corner"))
        layout = " ".join(form if name in self._program else "4x4" if form == "4f" else "1x4" for form, name in spans)
        used = [name for _form, name in spans if name in self._program]
        self._quads = context.vertex_array(self._program, [(self._instances, f"{layout}/i", *used)])

    def add(self, *numbers: float) -> None:
        self.parts.append(np.array([numbers], np.float32))

    def draw(self, size: tuple[int, int]) -> None:
        if not self.parts:
            return
        quads = np.concatenate(self.parts)
        self._instances.orphan(max(quads.nbytes, self._instances.size))
        self._instances.write(quads)
        self._program["window"] = size
        self._quads.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(quads))
        self.parts.clear()


class Canvas:
    """Collects shapes in logical units and draws them all at once. Belongs to the thread of its context.

    `begin` sets how many window pixels a unit has; then boxes, texts and pictures; then `draw`.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._picture, self._boxes, self._text = (_Layer(context, kind) for kind in (_PICTURE, _BOX, _LETTER))
        self._letters = context.texture((SHEET, SHEET), 1)
        self._sampler = context.sampler(repeat_x=False, repeat_y=False)
        self._origin = (0.0, 0.0)
        self.atlas = self._new_atlas(1.0)

    def begin(self, scale: float, origin: tuple[float, float]) -> None:
        """Start a page: `scale` pixels a unit (at most 3), its top left corner `origin` pixels from the window's."""
        scale = min(scale, 3.0)
        self._origin = origin
        if scale != self.atlas.scale:
            self.atlas = self._new_atlas(scale)

    def box(self, x: float, y: float, w: float, h: float, colour: Colour, alpha: float = 1.0, radius: float = 0.0) -> None:
        """A filled rectangle with rounded corners; with `radius` half its side, a disc."""
        self._boxes.add(*self._rect(x, y, w, h), 0.0, 0.0, 0.0, 0.0, *colour, alpha, radius * self.atlas.scale)

    def picture(self, x: float, y: float, w: float, h: float) -> None:
        """The whole of the texture that is given to `draw`, its first row at the bottom, as OpenGL keeps it."""
        self._picture.add(*self._rect(x, y, w, h), 0.0, 1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 0.0)

    def text(self, x: float, y: float, text: str, size: int, colour: Colour, alpha: float = 1.0, align: float = 0.0) -> None:
        """One line with its baseline at `y`; `align` 0 starts it at `x`, 0.5 centres it there, 1 ends it there."""
        run, width = self.atlas.run(text, size)
        part = np.empty((len(run), _FLOATS), np.float32)
        part[:, :4] = run[:, :4]
        part[:, 0] += round(self._origin[0] + x * self.atlas.scale - width * align)
        part[:, 1] += round(self._origin[1] + y * self.atlas.scale)
        part[:, 4:8] = run[:, 4:] / SHEET
        part[:, 8:] = (*colour, alpha, 0.0)
        self._text.parts.append(part)

    def width(self, text: str, size: int) -> float:
        """The width of a line in units."""
        return self.atlas.run(text, size)[1] / self.atlas.scale

    def wrap(self, text: str, size: int, width: float) -> list[str]:
        """`text` in lines no wider than `width` units."""
        return self.atlas.wrap(text, size, width * self.atlas.scale)

    def clip(self, text: str, size: int, width: float) -> str:
        """`text` cut to `width` units."""
        return self.atlas.clip(text, size, width * self.atlas.scale)

    def draw(self, target: moderngl.Framebuffer, size: tuple[int, int], paper: Colour, picture: moderngl.Texture) -> None:
        """Draw the page on `target`, whose size in pixels is `size`, and start a new one."""
        target.viewport = (0, 0, *size)
        target.use()
        target.clear(*paper, 1.0)
        self._context.enable_only(moderngl.BLEND)
        self._context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        self._sampler.use(0)
        picture.use(0)
        self._picture.draw(size)
        self._boxes.draw(size)
        self._letters.use(0)
        self._text.draw(size)

    def _rect(self, x: float, y: float, w: float, h: float) -> tuple[float, float, float, float]:
        scale, (left, top) = self.atlas.scale, self._origin
        return left + x * scale, top + y * scale, w * scale, h * scale

    def _new_atlas(self, scale: float) -> GlyphAtlas:
        atlas = GlyphAtlas(scale)
        self._letters.write(atlas.sheet.tobytes())
        return atlas
