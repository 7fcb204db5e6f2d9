"""On a card, with TensorRT or TensorRT for RTX: plans are built, proved and run, and damaged ones are made anew."""

from pathlib import Path

import numpy as np
import pytest
from ticks import latent

from engine.bench.model_rates import write_random
from engine.core.cuda import DeviceMemory, PinnedMemory, Stream
from engine.core.registry import lookup
from engine.runtime.accuracy_check import check
from engine.runtime.available import availability
from engine.runtime.card import load_card
from engine.runtime.compile.compiled_model import entry
from engine.runtime.nvidia import cards

PRODUCTS = ("tensorrt", "tensorrt-rtx")
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not cards(), reason="no NVIDIA card answers"), pytest.mark.timeout(900)]
CONFIG = {
    "resolution": 64,
    "z_dim": 32,
    "w_dim": 32,
    "c_dim": 3,
    "channel_base": 2048,
    "channel_max": 64,
    "mapping_layers": 2,
    "conv_clamp": 256.0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scratch = tmp_path_factory.mktemp("networks")
    write_random(scratch / "small", {"name": "small", "architecture": "stylegan2", "config": CONFIG})
    return scratch / "small"


@pytest.fixture(params=PRODUCTS)
def product(request: pytest.FixtureRequest) -> str:
    found = availability(request.param)
    if not found.works:
        pytest.skip(f"{request.param}: {found.found} {found.advice}")
    return str(request.param)


def test_a_plan_draws_what_the_network_draws_with_every_live_input(product, folder) -> None:
    card = load_card(folder)
    said = []
    generator = lookup("runtime", product)(card, 4, said.append)
    assert len(generator.parity) == 2  # at rest, and with everything moved
    plain = lookup("runtime", "torch")(card, 4, print)
    stream, place = Stream(), DeviceMemory(64 * 64 * 4)
    for seed in range(4):
        state = latent(card, seed)
        expected, found = np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 4), np.uint8)
        plain.step(state, expected)
        generator.step(state, found)
        check(expected, found, product)
        generator.draw_on_gpu(state, place.pointer)
        pinned = PinnedMemory(found.size)
        stream.copy(pinned.pointer, place.pointer, found.size)
        stream.wait()
        assert (pinned.array.reshape(found.shape) == found).all()
        pinned.close()
    place.close()
    generator.close()
    assert not any("without a CUDA graph" in words for words in said)
    kept = entry(card, product)
    assert kept is not None
    plan = kept.folder / "0.plan"
    damaged = bytearray(plan.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    plan.write_bytes(bytes(damaged))
    said.clear()
    lookup("runtime", product)(card, 4, said.append).close()
    assert any("was damaged" in words for words in said)


def test_several_screens_are_drawn_in_one_call(product, folder) -> None:
    card = load_card(folder)
    single, several = (lookup("runtime", product)(card, 4, print, batch=batch) for batch in (1, 3))
    states = [latent(card, seed) for seed in range(3)]
    found = np.zeros((3, 64, 64, 4), np.uint8)
    several.steps(states, found)
    for state, picture in zip(states, found, strict=True):
        expected = np.zeros_like(picture)
        single.step(state, expected)
        check(expected, picture, product)
    single.close()
    several.close()
