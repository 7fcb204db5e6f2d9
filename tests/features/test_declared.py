"""Features write what they declare: whichever are registered."""

from graphlib import TopologicalSorter

import numpy as np
import pytest
from listening import check_sane, listen, music_like

from engine.core.registry import lookup, names
from engine.core.types import FeatureFrame
from engine.features.analysis import analyser
from engine.features.analysis.analyser import feature_names, registered
from engine.features.analysis.feature import Feature, Format
from engine.features.analysis.spectrum import Spectrum

HOP = 256


@pytest.fixture(scope="module")
def written():
    """What each registered feature has written, hop by hop: (values, vectors, events), those of others before it left out."""
    form = Format(48000, HOP)
    parts, spectrum = registered(), Spectrum(form)
    order = TopologicalSorter({name: part.after for name, part in parts.items()}).static_order()
    features = {name: parts[name](form) for name in order}
    found = {name: [] for name in features}
    sound = np.concatenate((np.zeros(HOP * 100, np.float32), music_like(8.0), np.zeros(HOP * 100, np.float32)))
    for number in range(sound.size // HOP):
        hop = spectrum.step(sound[number * HOP : (number + 1) * HOP], number)
        for name, feature in features.items():
            values, vectors, events = dict(hop.values), dict(hop.vectors), len(hop.events)
            feature.step(hop)
            new = {key: value for key, value in hop.values.items() if key not in values}
            assert {key: hop.values[key] for key in values} == values, f"{name} changed what another feature has written"
            found[name].append((new, {key: v for key, v in hop.vectors.items() if key not in vectors}, hop.events[events:]))
    return found


@pytest.mark.parametrize("name", names("feature"))
def test_a_feature_writes_just_what_it_declares_whole_and_in_range(name, written):
    part = lookup("feature", name)
    for values, vectors, events in written[name]:
        assert values.keys() == set(part.values)
        assert {key: vector.shape for key, vector in vectors.items()} == {key: (size,) for key, size in part.vectors.items()}
        assert {event.kind for event in events} <= set(part.events)
        check_sane(FeatureFrame(0, 1e9, 0.0, values, vectors, tuple(events)))


def test_what_there_is_to_listen_to_is_what_the_features_declare():
    found, frame = feature_names(), listen(music_like(0.1))[-1]
    assert set(found.values) == frame.values.keys()
    assert found.vectors == {name: vector.size for name, vector in frame.vectors.items()}
    assert set(found.events) == {kind for part in registered().values() for kind in part.events}


def test_two_features_cannot_write_the_same_name(monkeypatch):
    copy = type("Copy", (lookup("feature", "flux"),), {})
    monkeypatch.setattr(analyser, "registered", lambda: {"flux": lookup("feature", "flux"), "copy": copy})
    with pytest.raises(ValueError, match="expected a name of its own from the feature copy; got 'flux', as from flux"):
        feature_names()


def test_a_name_that_is_not_declared_is_told_once_with_the_file(monkeypatch, caplog):
    class Rolloff(Feature):
        values = ("rolloff",)

        def step(self, hop):
            hop.values["roloff"] = 0.5

    monkeypatch.setattr(analyser, "registered", lambda: {"rolloff": Rolloff})
    analysis = analyser.Analysis(hop=HOP, inputs=("main", "kick"))
    for _ in range(3):
        analysis.step({}, 0.0)
    assert caplog.messages == [f"expected the feature rolloff to write rolloff, as it declares; got roloff from {__file__}"]
