"""Draws the show: newest tick, newest network frame -> passes -> limiter -> `output`."""

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.params import Leaf, Param
from engine.core.types import ByteArray, Frame, Tick
from engine.stage import dynamic_resolution
from engine.stage.calibrator import is_lit
from engine.stage.frame_blend import FrameBlend
from engine.stage.gl_context import Waiter, is_software
from engine.stage.gl_program import Program, Target
from engine.stage.gpu_timer import GpuTimer
from engine.stage.limiter import Limiter
from engine.stage.pass_fusion import source
from engine.stage.passes import PassSource
from engine.stage.renderer import Renderer
from engine.stage.stage_params import FITS, LimiterSettings, StageSettings
from engine.stage.tick_values import Values

LONGEST_STEP_S = 0.1  # a stall must not throw the picture forward
LOOK_DIVISOR = 2  # the procedural look is this much smaller than the passes
MASTER = Leaf(Param(1.0, doc="Master fader."))
SWITCH = Leaf(Param(False, doc="A button of the show's."))


class Stage:
    """All drawing. For the thread of the GL context; waits for nothing but, on software GL, the drawing itself.

    `internal_size` fixes the size of the passes (films); without it, it follows `adapt`. `sharp` enlarges by Catmull-Rom
    instead of bilinearly; by default wherever the processor is not the one that draws, and for a fixed size.
    """

    def __init__(
        self,
        context: Any,
        output_size: tuple[int, int],
        settings: StageSettings,
        passes: Sequence[PassSource],
        internal_size: tuple[int, int] | None = None,
        limiter: LimiterSettings | None = None,
        sharp: bool | None = None,
    ) -> None:
        self.context, self.output_size = context, output_size
        self._settings, self._limits = settings.leaves, (limiter or LimiterSettings()).leaves
        software = is_software(context)
        self._eight_bit = "f1" if software else "f2"  # the encoded picture: bytes are read twice as fast by a processor
        self.sharp = (not software or internal_size is not None) if sharp is None else sharp
        self._fixed, self._waiter = internal_size, Waiter()
        head = "#version 330 core\n" + source("prelude")
        self._look_program = Program(context, head + source("aurora"))
        self._finish_program = Program(context, head + source("finish"))
        self._held_program = Program(context, head + "#define HELD\n" + source("finish"))
        enlarge = head + ("#define SHARP\n" if self.sharp else "") + source("output")
        self._output_program = Program(context, enlarge, vertex=source("gain"))
        self._frames, self._limiter, self._values = FrameBlend(context), Limiter(context), Values()
        self._clock_s = self._flow = self._fade_s = self._faded_s = 0.0
        self._count = 0
        self._calibrating = False
        self._timer = None if software else GpuTimer(context)
        self.draw_ms = 0.0  # what the last draw took: this thread's time or the card's, whichever is longer
        self._sizes = (internal_size,) if internal_size else dynamic_resolution.sizes(output_size)
        self._pace = dynamic_resolution.Pace(0 if software else len(self._sizes) - 1)
        self._output = Target(context, output_size, "f1")
        self._renderer = Renderer(context, passes, self.sharp, self.internal_size)
        self._look, self._encoded, self._held = self._new_targets()

    @property
    def output(self) -> Any:
        """The framebuffer with the finished picture, RGBA8, `output_size`."""
        return self._output.framebuffer

    @property
    def internal_size(self) -> tuple[int, int]:
        """The size in which the passes are drawn."""
        return self._sizes[self._pace.level]

    @property
    def refused_values(self) -> int:
        """How many values were no finite numbers."""
        return self._values.refused

    def set_frame(self, frame: Frame, at_once: bool = False) -> None:
        """Take a new network frame; it shows from the next draw on, the very first one wholly only if `at_once`."""
        self._frames.put(frame, at_once)

    @property
    def newest_frame(self) -> Frame | None:
        """The network's newest frame that is shown or blended in."""
        return self._frames.newest

    def crossfade(self, duration_s: float) -> None:
        """Hold the picture as it is, and dissolve it into what is drawn from now on."""
        if duration_s > 0.0 and self._count:
            self._held, self._encoded = self._encoded, self._held
            self._fade_s, self._faded_s = duration_s, 0.0

    def forget(self) -> None:
        """Clear what passes remember of earlier pictures, and end a cross-fade."""
        self._faded_s = self._fade_s
        self._renderer.forget()

    def resize(self, output_size: tuple[int, int]) -> None:
        """Draw for a screen of another size from now on; what passes remember is kept."""
        if output_size == self.output_size or min(output_size) < 1:
            return
        self.output_size = output_size
        self._output.release()
        self._output = Target(self.context, output_size, "f1")
        if self._fixed is None:
            self._sizes = dynamic_resolution.sizes(
                output_size, float(self._values.number("/stage/scale", self._settings["scale"]))
            )
            self._pace = dynamic_resolution.Pace(min(self._pace.level, len(self._sizes) - 1))
            self._resize_passes()

    def adapt(self, frame_ms: float, budget_ms: float) -> None:
        """Let the internal size follow the time there is; `frame_ms` is what drawing took, without waiting for the screen."""
        if self._fixed is not None or self._calibrating:  # a flash says nothing of what a picture costs
            return
        size = self.internal_size
        self._sizes = dynamic_resolution.sizes(self.output_size, self._values.number("/stage/scale", self._settings["scale"]))
        self._pace = dynamic_resolution.paced(self._pace, frame_ms, budget_ms, self._sizes)
        if self.internal_size != size:
            self._resize_passes()

    def draw(self, tick: Tick, time_s: float, dt_s: float) -> None:
        """Draw the picture of the moment `time_s` of the show, `dt_s` after the one before, into `output`."""
        started = time.perf_counter()
        if self._timer is None:
            self._draw(tick, time_s, dt_s)
        else:
            with self._timer:
                self._draw(tick, time_s, dt_s)
        self.draw_ms = max((time.perf_counter() - started) * 1e3, self._timer.ms if self._timer else 0.0)

    def _draw(self, tick: Tick, time_s: float, dt_s: float) -> None:
        values = self._values
        values.params = tick.params
        self._calibrating = values.truth("/sync/calibrate", SWITCH)
        if self._calibrating:  # the picture stands still meanwhile, and the limiter sees none of it
            light = float(is_lit(tick.music) and not values.truth("/blackout", SWITCH))
            self.output.clear(light, light, light, 1.0)
            return
        step_s = min(max(dt_s, 0.0), LONGEST_STEP_S) if math.isfinite(dt_s) else 0.0
        if self._count == 0 or not values.truth("/freeze", SWITCH):
            self._draw_picture(time_s, step_s)
        self._count += 1
        dark = values.truth("/blackout", SWITCH)
        level = 0.0 if dark else values.number("/master/level", MASTER)
        flashes = values.number("/limiter/flashes", self._limits["flashes"])
        limited = values.truth("/limiter/on", self._limits["on"])
        gain = self._limiter.step(self._encoded.texture, level**2.2, step_s, flashes if limited else 0.0)
        grain = values.number("/stage/grain", self._settings["grain"])
        uniforms = {"level": level, "grain": grain, "frame": float(self._count % 64)}
        self._output_program.draw(self.output, {"source": self._encoded.texture, "limiter": gain}, uniforms)
        self._renderer.settle()

    def _draw_picture(self, time_s: float, dt_s: float) -> None:
        values, settings = self._values, self._settings
        self._clock_s += dt_s
        blend, shown = self._frames.advance(time_s, dt_s, values.truth("/stage/blend", settings["blend"]))
        network = shown * values.number("/stage/network", settings["network"])
        width, height = self.output_size
        shared: dict[str, object] = {"time": self._clock_s, "dt": dt_s, "aspect": width / height}
        shared |= {"blend_now": blend, "network_now": network}
        shared["fit"] = FITS.index(values.choice("/stage/fit", settings["fit"]))
        self._flow += dt_s * values.number("/stage/flow", settings["flow"])
        if network < 1.0:
            look = {"flow_phase": self._flow, "glow": values.number("/stage/glow", settings["glow"])}
            look["look_hue"] = values.number("/stage/hue", settings["hue"])
            self._look_program.draw(self._look.framebuffer, {}, {**shared, **look})
            self._renderer.settle()
        older, newer = self._frames.textures
        shared["picture_aspect"] = newer.width / newer.height
        linear = self._renderer.draw(values, shared, {"older": older, "newer": newer, "look": self._look.texture}, dt_s)
        reads = {"source": linear.texture}
        uniforms: dict[str, object] = {"pixel": (1 / linear.size[0], 1 / linear.size[1]), "frame": float(self._count % 64)}
        uniforms["reach"] = min(max(linear.size[1] / newer.height, 1.0), 4.0)
        uniforms["sharpen"] = values.number("/stage/sharpen", settings["sharpen"])
        program = self._finish_program
        self._faded_s += dt_s
        if self._faded_s < self._fade_s:
            part = self._faded_s / self._fade_s
            uniforms["held_now"] = 1.0 - part * part * (3.0 - 2.0 * part)
            uniforms["held_zoom"] = 1.0 / (1.0 + 0.03 * self._faded_s)
            reads["held"], program = self._held.texture, self._held_program
        program.draw(self._encoded.framebuffer, reads, uniforms)
        self._renderer.settle()

    def read(self) -> ByteArray:
        """The finished picture, (H, W, 4) RGBA, top row first; waits for the card."""
        self._waiter.wait()
        width, height = self.output_size
        return np.frombuffer(self.output.read(components=4), np.uint8).reshape(height, width, 4)[::-1]

    def status(self) -> dict[str, object]:
        """What the operator is shown."""
        segments = self._renderer.segments
        return {
            "renderer": str(self.context.info["GL_RENDERER"]),
            "internal_size": self.internal_size,
            "output_size": self.output_size,
            "programs": len(segments),
            "passes": tuple(item.name for segment in segments for item in segment.passes),
            "draw_ms": self.draw_ms,
            "blend_latency_ms": self._frames.latency_s * 1e3,
            "network_frames": self._frames.count,
            "refused_values": self._values.refused,
        }

    def reload_changed(self) -> list[str]:
        """Take passes whose files were saved since; a broken one keeps its last good text. Messages name file and line."""
        return self._renderer.reload_changed()

    def close(self) -> None:
        """Give everything on the card back; the stage cannot be used afterwards."""
        programs = (self._look_program, self._finish_program, self._held_program, self._output_program)
        targets = (self._output, self._look, self._encoded, self._held)
        parts: list[Any] = [*programs, *targets, self._renderer, self._frames, self._limiter]
        for part in parts:
            part.release()

    def _new_targets(self) -> tuple[Target, Target, Target]:
        width, height = self.internal_size
        look = (max(width // LOOK_DIVISOR, 16), max(height // LOOK_DIVISOR, 16))
        encoded, held = (Target(self.context, self.internal_size, self._eight_bit) for _ in range(2))
        return Target(self.context, look), encoded, held

    def _resize_passes(self) -> None:
        old = (self._look, self._encoded, self._held)
        self._renderer.resize(self.internal_size)
        self._look, self._encoded, self._held = self._new_targets()
        for before, after in zip(old, (self._look, self._encoded, self._held), strict=True):
            self._renderer.copy(before, after)  # frozen, held and half-dissolved pictures go on
            before.release()
