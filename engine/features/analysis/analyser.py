"""Puts the features together: hops of sound in, one `FeatureFrame` a hop out."""

import logging
import sys
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter

import numpy as np

from engine.core.params import Leaf, Parametric, answer_to_former
from engine.core.registry import former_names, lookup, names
from engine.core.types import Event, FeatureFrame, FeatureNames, FloatArray
from engine.features.analysis.feature import Feature, Format, Hop
from engine.features.analysis.spectrum import Spectrum

log = logging.getLogger("clavilux.analysis")


def registered() -> dict[str, type[Feature]]:
    """All registered features by name."""
    return {name: lookup("feature", name) for name in names("feature")}


def feature_names() -> FeatureNames:
    """What all registered features write, as they declare it. Raises ValueError where two write the same."""
    written: dict[str, str] = {}  # name -> the feature that writes it
    vectors: dict[str, int] = {}
    events: dict[str, None] = {}
    for feature, part in registered().items():
        for name in (*part.values, *part.vectors):
            if name in written:
                raise ValueError(f"expected a name of its own from the feature {feature}; got {name!r}, as from {written[name]}")
            written[name] = feature
        vectors.update(part.vectors)
        events.update(dict.fromkeys(part.events))
    return FeatureNames(tuple(name for name in written if name not in vectors), vectors, tuple(events))


class Analysis(Parametric):
    """Analyses named inputs hop by hop; causal, and the same hops always give the same frames.

    Values of the first input bear the features' names, those of others the input's too: `kick/loudness`. Tempo and form listen
    to the first. `leaves` holds the parameters of all features: `onset/threshold`, and `kick/onset/threshold` of input kick.
    One thread may use it at a time.
    """

    def __init__(self, rate_hz: int = 48000, hop: int = 256, inputs: Sequence[str] = ("main",)) -> None:
        if not inputs or len(set(inputs)) != len(inputs):
            raise ValueError(f"expected at least one input, each with its own name; got {list(inputs)}")
        super().__init__()
        self.format = Format(rate_hz, hop)
        self.inputs = tuple(inputs)
        self._silence = np.zeros(hop, np.float32)
        parts = registered()
        order = tuple(TopologicalSorter({name: part.after for name, part in parts.items()}).static_order())
        self._chains: list[tuple[str, str, Spectrum, Mapping[str, Feature]]] = []
        leaves: dict[str, Leaf] = dict(self.leaves)
        for place, name in enumerate(self.inputs):
            prefix = f"{name}/" if place else ""
            features = {key: parts[key](self.format) for key in order if parts[key].every_input or not place}
            for key, part in features.items():
                answer_to_former(part.leaves, former_names("feature", key))
            leaves.update({f"{prefix}{key}/{leaf}": item for key, part in features.items() for leaf, item in part.leaves.items()})
            self._chains.append((name, prefix, Spectrum(self.format), features))
        self.leaves = leaves
        self._number = 0
        self._checked = False

    def step(self, hops: Mapping[str, FloatArray], t_heard: float) -> FeatureFrame:
        """Analyse the next hop of every input: (hop,) mono float32 each; an input that is missing is silent.

        Bad samples (NaN, infinity, DC, far beyond full scale) are cleaned. Raises ValueError on a hop of another length.
        """
        number = self._number
        self._number += 1
        values: dict[str, float] = {}
        vectors: dict[str, FloatArray] = {}
        events: list[Event] = []
        for name, prefix, spectrum, features in self._chains:
            hop = spectrum.step(hops.get(name, self._silence), number)
            if self._checked:
                for feature in features.values():
                    feature.step(hop)
            else:  # the first hop of the first input, which has all features
                self._checked = True
                _step_and_check(features, hop)
            if prefix:
                values.update({prefix + key: value for key, value in hop.values.items()})
                vectors.update({prefix + key: vector for key, vector in hop.vectors.items()})
                events.extend(Event(prefix + event.kind, event.time_s, event.strength) for event in hop.events)
            else:
                values, vectors, events = hop.values, hop.vectors, hop.events
        return FeatureFrame(number, (number + 1) * self.format.period_s, t_heard, values, vectors, tuple(events))

    def reset(self) -> None:
        """Forget all sound heard; the next hop is number 0 again. Parameters stay."""
        self._number = 0
        for _, _, spectrum, features in self._chains:
            spectrum.reset()
            for feature in features.values():
                feature.reset()


def _step_and_check(features: Mapping[str, Feature], hop: Hop) -> None:
    """Step the features, and log of each what it writes under names that it does not declare: nothing could listen to that."""
    for name, feature in features.items():
        before = hop.values.keys() | hop.vectors.keys()
        feature.step(hop)
        declared = (*feature.values, *feature.vectors)
        wrong = sorted((hop.values.keys() | hop.vectors.keys()) - before - set(declared))
        if wrong:
            file = sys.modules[type(feature).__module__].__file__
            known = ", ".join(declared) or "nothing"
            log.error("expected the feature %s to write %s, as it declares; got %s from %s", name, known, ", ".join(wrong), file)
