"""Sections: parts of a song's form, during which a patch looks different."""

from engine.control.patch import SectionSpec
from engine.control.tree import Target
from engine.core.params import Param, Parametric
from engine.core.tick_context import TickContext


class Section(Parametric):
    """One section: /section/<name>/amount and its trigger; its level 0..1 is also a source, `section/<name>`."""

    amount = Param(1.0, doc="How far the section takes its parameters from the patch's values to its own.")
    fire = Param(False, doc="Holds the section on by hand.")

    def __init__(self, spec: SectionSpec) -> None:
        super().__init__()
        self.spec = spec
        self.level = 0.0
        self.age_bars = 0.0  # since it last started
        self.active = False
        self.moves: list[tuple[Target, float]] = []  # target, offset at level 1

    def step(self, context: TickContext) -> bool:
        """Start, end and fade on this tick's events. True if the section began in it."""
        spec, began = self.spec, False
        for event in context.features.events:
            if event.kind in spec.on:
                began = True
            elif event.kind in spec.off:
                self.active = False
        if began:
            self.active, self.age_bars = True, 0.0
        self.age_bars += context.dt_s * context.pace
        if spec.bars > 0.0 and self.age_bars > spec.bars:
            self.active = False
        goal = float(self.active or self.fire)
        if self.level != goal:
            reach = context.dt_s / spec.fade_s if spec.fade_s > 0.0 else 1.0
            self.level = min(self.level + reach, goal) if goal > self.level else max(self.level - reach, goal)
        return began

    def add_offsets(self) -> None:
        """Move this section's targets, after the router has set their offsets."""
        if self.level > 0.0:
            share = self.level * self.amount
            for target, offset in self.moves:
                target.offset += share * offset
