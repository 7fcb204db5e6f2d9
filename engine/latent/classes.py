"""Class weights: the part of the tree that holds them, and what turns them into the y of a generator."""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from engine.core.params import Leaf, Param, Parametric
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray


def slugs(names: Sequence[str]) -> tuple[str, ...]:
    """Class names as address parts: lower case, words joined by hyphens, the second of two like names numbered; all differ."""
    plain = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "class" for name in names]
    taken, seen = set(plain), dict[str, int]()
    found = []
    for slug in plain:
        count = seen[slug] = seen.get(slug, 0) + 1
        numbered = slug
        while count > 1 and (numbered := f"{slug}-{count}") in taken:  # a class may be called `a 2` beside two called `a`
            count = seen[slug] = count + 1
        taken.add(numbered)
        found.append(numbered)
    return tuple(found)


def class_leaves(names: Sequence[str]) -> dict[str, Leaf]:
    """A weight 0..1 for every class of a model, to attach at /classes."""
    leaves = {}
    for slug, name in zip(slugs(names), names, strict=True):
        param = Param(0.0, doc=f"How much the picture is drawn to the class {name}.")
        param.name = slug
        leaves[slug] = Leaf(param)
    return leaves


class ClassMixer(Parametric):
    """Base of the ways to mix classes. `weights` holds a leaf for every class of the model, in its order.

    `palette` holds the places of the patch's classes among them.
    """

    def __init__(self, weights: Mapping[str, Leaf], palette: Sequence[int], rng: Rng) -> None:
        super().__init__()
        self.weights = tuple(weights.values())
        self.palette = tuple(palette)  # the patch's classes, in its order
        self.seed(rng)

    @abstractmethod
    def seed(self, rng: Rng) -> None:
        """Start afresh with other draws."""

    @abstractmethod
    def turn_to(self, palette: Sequence[int], fade_s: float) -> None:
        """A section with classes of its own began: be there after `fade_s`."""

    @abstractmethod
    def step(self, context: TickContext) -> FloatArray:
        """The weights (C,) of this tick; they sum to 1."""
