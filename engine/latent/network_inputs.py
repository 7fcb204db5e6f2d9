"""What a network lets move beyond z, classes, truncation and noise: /network/*, the parts that the playing model has."""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from engine.core.params import Leaf, Param, Parametric, answer_to_former
from engine.core.registry import former_names, lookup
from engine.core.rng import Rng
from engine.core.tick_context import TickContext
from engine.core.types import FloatArray, GeneratorInfo
from engine.latent.classes import slugs

DIRECTION, NUDGE = "direction", "nudge"  # part of the addresses; the live input that takes directions of w
FAR = 4.0  # standard deviations along a direction


class NetworkInput(Parametric):
    """Base of what fills one live input of a network. All zeros is at rest, and costs the network nothing."""

    def __init__(self, shape: tuple[int, ...], model: GeneratorInfo, rng: Rng) -> None:
        super().__init__()
        self.shape, self.model = shape, model
        self.seed(rng)

    def seed(self, rng: Rng) -> None:
        """Start afresh with other draws; most draw nothing."""

    @abstractmethod
    def step(self, context: TickContext) -> FloatArray:
        """What the network is given in this tick, of `shape`."""


class NetworkInputs:
    """All live inputs of one model, and its directions as sliders. Raises ValueError for an input that nothing here fills.

    `leaves` goes to the tree at /network. Where `old` has a parameter of the same name, its leaf stays: what hands set, stays;
    but not a vector of as many numbers as this model does not take.
    """

    def __init__(self, model: GeneratorInfo, seed: int, old: "NetworkInputs | None" = None) -> None:
        self.directions = model.directions
        self._shapes = dict(model.extra_inputs)
        self.inputs: dict[str, NetworkInput] = {}
        leaves: dict[str, Leaf] = {}
        kept = {} if old is None else old.leaves
        for name, shape in self._shapes.items():
            if name == NUDGE:
                continue
            try:
                kind = lookup("input", name)
            except LookupError as error:
                raise ValueError(f"expected live inputs that can be filled; got {name!r} ({error})") from error
            part: NetworkInput = kind(shape, model, Rng(seed, f"network/{name}"))
            was = {key: kept.get(f"{name}/{key}", leaf) for key, leaf in part.leaves.items()}
            alike = {key: leaf for key, leaf in was.items() if leaf.param.counts == part.leaves[key].param.counts}
            part.leaves = {**part.leaves, **alike}
            answer_to_former(part.leaves, former_names("input", name))
            leaves |= {f"{name}/{key}": leaf for key, leaf in part.leaves.items()}
            self.inputs[name] = part
        self._sliders = []
        names = () if self.directions is None else self.directions.names
        for slug, name in zip(slugs(names), names, strict=True):
            param = Param(0.0, low=-FAR, high=FAR, slew_s=0.05, doc=f"How far to go along the direction {name!r}.")
            param.name = f"{DIRECTION}/{slug}"
            leaves[param.name] = kept.get(param.name, Leaf(param))
            self._sliders.append(leaves[param.name])
        self.leaves: Mapping[str, Leaf] = leaves

    def seed(self, seed: int) -> None:
        """Other draws from the next tick on."""
        for name, part in self.inputs.items():
            part.seed(Rng(seed, f"network/{name}"))

    def step(self, z: FloatArray, context: TickContext) -> dict[str, FloatArray]:
        """Every live input of this tick; directions of z are added to `z`."""
        found = {name: part.step(context) for name, part in self.inputs.items()}
        nudge = self._nudge()
        if nudge is not None and nudge.shape == z.shape and self.directions is not None and self.directions.space == "z":
            z += nudge
        if NUDGE in self._shapes:
            rest = np.zeros(self._shapes[NUDGE], np.float32)
            along = nudge is not None and self.directions is not None and self.directions.space == "w"
            found[NUDGE] = nudge if along and nudge is not None else rest
        return found

    def _nudge(self) -> FloatArray | None:
        amounts = np.array([slider.value for slider in self._sliders], np.float32)
        if self.directions is None or not amounts.any():
            return None
        return amounts @ self.directions.vectors
