"""Draws the chain of passes: compiles its segments, owns their targets and what passes remember."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.stage.gl_context import Waiter, is_software
from engine.stage.gl_program import Program, Target
from engine.stage.pass_fusion import Segment, blur_fragment, fragment, source, split
from engine.stage.passes import PassError, PassSource, read_pass
from engine.stage.tick_values import Values

LEAST_BLUR = 10  # rows of the coarsest level of a blur
WARM_EVERY = 30  # frames


class Renderer:
    """All passes at internal size, in linear half-float light. For the thread of the context."""

    def __init__(self, context: Any, passes: Sequence[PassSource], sharp: bool, size: tuple[int, int]) -> None:
        self.context, self.passes, self._sharp = context, tuple(passes), sharp
        self._waiter = Waiter() if is_software(context) else None
        head = "#version 330 core\n" + source("prelude")
        self._halve, self._double, self._copy = (Program(context, head + source(name)) for name in ("halve", "double", "copy"))
        self._programs = self._compiled(self.passes)
        self._cold = [program for _, program in sorted(self._programs.items(), reverse=True)]
        self._ember = Target(context, (4, 4))
        self._drawn = 0
        self._phases: dict[str, float] = {}
        self.segments: tuple[Segment, ...] = ()
        self._memories: dict[str, list[Target]] = {}
        self._pair: list[Target] = []
        self._levels: list[Target] = []
        self._back: list[Target] = []
        self.resize(size)

    def _compiled(self, passes: Sequence[PassSource]) -> dict[tuple[str, ...], Program]:
        """Every segment that any set of active passes can need, so that none is compiled in mid-show."""
        optional = [item.name for item in passes if item.optional]
        programs: dict[tuple[str, ...], Program] = {}
        for choice in range(2 ** len(optional)):
            for segment in split(passes, {name for bit, name in enumerate(optional) if choice >> bit & 1}):
                if _key(segment) not in programs:
                    programs[_key(segment)] = Program(self.context, fragment(segment, self._sharp), segment.passes)
        for item in passes:
            if item.kind == "blur":
                programs["blur", item.name] = Program(self.context, blur_fragment(item), (item,))
        return programs

    def resize(self, size: tuple[int, int]) -> None:
        """Draw in another size from now on; what passes remember is kept."""
        self.size = size
        for name, pair in self._memories.items():
            fresh = [Target(self.context, size) for _ in pair]
            self.copy(pair[0], fresh[0])
            _release(pair)
            self._memories[name] = fresh
        _release(self._pair, self._levels, self._back)
        self._pair = [Target(self.context, size) for _ in range(2)]
        width, height = (size[0] + 3) // 4, (size[1] + 3) // 4
        self._levels, self._back = [Target(self.context, (width, height))], []
        while height // 2 >= LEAST_BLUR:
            self._back.append(Target(self.context, (width, height)))
            width, height = (width + 1) // 2, (height + 1) // 2
            self._levels.append(Target(self.context, (width, height)))

    def draw(self, values: Values, shared: Mapping[str, object], textures: Mapping[str, Any], dt_s: float) -> Target:
        """Draw one picture and return where it is, linear light. `shared` are the uniforms that are no pass's own."""
        uniforms: dict[str, object] = dict(shared)
        active: set[str] = set()
        for item in self.passes:
            for name, leaf in item.leaves.items():
                number = values.number(f"/shader/{item.name}/{name}", leaf)
                key = f"{item.name}_{name}"
                if name in item.rates:
                    number = self._phases[key] = self._phases.get(key, 0.0) + number * dt_s
                elif name == "amount" and number > 0.0:
                    active.add(item.name)
                uniforms[key] = number if leaf.param.kind == "float" else round(number)
        self.segments = split(self.passes, active)
        reads = dict(textures)
        before: Target | None = None
        for segment in self.segments:
            if before is not None:
                reads["before_picture"] = before.texture
                if segment.blur is not None:
                    reads["blurred_picture"] = self._blurred(segment.blur, before, uniforms)
            if segment.memory:
                name = segment.passes[-1].name
                if name not in self._memories:
                    self._memories[name] = [Target(self.context, self.size) for _ in range(2)]
                memory = self._memories[name]
                reads["memory_picture"] = memory[0].texture
                memory.reverse()
                target = memory[0]
            else:
                target = self._pair[1] if before is self._pair[0] else self._pair[0]
            uniforms["pixel"] = (1 / self.size[0], 1 / self.size[1])
            self._programs[_key(segment)].draw(target.framebuffer, reads, uniforms)
            self.settle()
            before = target
        self._warm(reads, uniforms)
        assert before is not None  # split always gives at least one segment
        return before

    def _warm(self, reads: dict[str, Any], uniforms: dict[str, object]) -> None:
        """Draw one program that was never drawn: drivers finish compiling only then, and a hit must not wait for that."""
        self._drawn += 1
        if self._cold and self._drawn % WARM_EVERY == 0:
            spare = self._pair[1].texture
            reads = {"before_picture": spare, "blurred_picture": spare, "memory_picture": spare, **reads}
            self._cold.pop().draw(self._ember.framebuffer, reads, uniforms)
            self.settle()

    def _blurred(self, item: PassSource, before: Target, uniforms: dict[str, object]) -> Any:
        first, reads = self._levels[0], {"before_picture": before.texture}
        uniforms["pixel"] = (1 / first.size[0], 1 / first.size[1])
        self._programs["blur", item.name].draw(first.framebuffer, reads, uniforms)
        for finer, coarser in zip(self._levels, self._levels[1:], strict=False):
            self.settle()
            pixel = {"pixel": (1 / coarser.size[0], 1 / coarser.size[1])}
            self._halve.draw(coarser.framebuffer, {"source": finer.texture}, pixel)
        wide = self._levels[-1]
        for finer, target in zip(self._levels[-2::-1], self._back[::-1], strict=True):
            self.settle()
            pixel = {"pixel": (1 / wide.size[0], 1 / wide.size[1])}
            self._double.draw(target.framebuffer, {"source": wide.texture, "finer": finer.texture}, pixel)
            wide = target
        self.settle()
        return wide.texture

    def forget(self) -> None:
        """Clear what passes remember."""
        for pair in self._memories.values():
            for target in pair:
                target.framebuffer.clear()

    def copy(self, old: Target, new: Target) -> None:
        """Draw one target into another, whatever their sizes."""
        self._copy.draw(new.framebuffer, {"source": old.texture}, {})
        self.settle()

    def settle(self) -> None:
        """On software GL, draw what was asked for now: it would otherwise be waited for inside the next call, GIL held."""
        if self._waiter is not None:
            self._waiter.wait()

    def reload_changed(self) -> list[str]:
        """Take passes whose files were saved since; a broken one keeps its last good text. Messages name file and line."""
        messages: list[str] = []
        for old in self.passes:
            try:
                mtime_ns = old.path.stat().st_mtime_ns
            except OSError:
                continue  # an editor is replacing the file
            if mtime_ns == old.mtime_ns:
                continue
            try:
                new = read_pass(old.path)
                # The tree holds the leaves of the start; a parameter that is new now has its default until the next start.
                new = replace(new, leaves={name: old.leaves.get(name, leaf) for name, leaf in new.leaves.items()})
                passes = self._with(old, new)
                programs = self._compiled(passes)
            except (PassError, OSError, UnicodeDecodeError) as error:
                messages.append(f"{error}; kept the last good {old.name}")
                self.passes = self._with(old, replace(old, mtime_ns=mtime_ns))
                continue
            _release(list(self._programs.values()))
            self.passes, self._programs, self._cold = passes, programs, list(programs.values())
            messages.append(f"{new.path}: reloaded")
        return messages

    def _with(self, old: PassSource, new: PassSource) -> tuple[PassSource, ...]:
        passes = (new if item.name == old.name else item for item in self.passes)
        return tuple(sorted(passes, key=lambda item: item.order))

    def release(self) -> None:
        """Give everything back."""
        _release(self._pair, self._levels, self._back, *self._memories.values())
        _release([self._halve, self._double, self._copy, self._ember])
        _release(list(self._programs.values()))


def _key(segment: Segment) -> tuple[str, ...]:
    return ("picture" if segment.first else "before", *(item.name for item in segment.passes))


def _release(*groups: Sequence[Any]) -> None:
    for group in groups:
        for part in group:
            part.release()
