"""Runtimes declare what they need: whichever are registered."""

from importlib.util import find_spec

import pytest

from engine.core.registry import lookup, names
from engine.runtime.available import availabilities, availability, compiled_runtimes, runtimes
from engine.runtime.backend import Backend, CompiledBackend


@pytest.mark.parametrize("name", names("runtime"))
def test_a_runtime_declares_what_it_needs(name):
    backend = lookup("runtime", name)
    assert issubclass(backend, Backend)
    needs = backend.requirements
    assert needs.packages
    assert needs.install
    assert not needs.only or needs.oldest == min(needs.only)
    assert hasattr(backend, "draw_on_gpu") == backend.draws_on_gpu
    assert not backend.draws_on_gpu or needs.oldest is not None
    assert availability(name).runtime == name
    assert (name in runtimes()[: len(availabilities())]) == (backend.rank > 0)
    if issubclass(backend, CompiledBackend):
        assert backend.precision in ("float32", "float16")
        assert all(find_spec(module) for module in backend.compiled_by)
        assert name in compiled_runtimes()


def test_auto_tries_runtimes_of_different_ranks():
    ranks = [lookup("runtime", found.runtime).rank for found in availabilities()]
    assert ranks == sorted(set(ranks), reverse=True)


def test_an_unknown_runtime_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=f"expected a runtime, one of auto, {', '.join(runtimes())}; got 'abacus'"):
        availability("abacus")
