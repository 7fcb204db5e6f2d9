"""On a card: memory that travels, networks that draw what float32 draws, generators that die, and pictures that stay there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ticks import latent, make_tick, wait_until

from engine.bench.model_rates import write_random
from engine.core.cuda import DeviceMemory, Event, Graph, PinnedMemory, Stream, free_bytes
from engine.core.registry import lookup
from engine.core.resources import find
from engine.core.types import GpuPicture
from engine.runtime.accuracy_check import check, fresh
from engine.runtime.card import load_card
from engine.runtime.nvidia import cards
from engine.runtime.picture_network import load_network, variants
from engine.runtime.reference_outputs import drawn
from engine.runtime.worker.process import GeneratorProcess

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not cards(), reason="no NVIDIA card answers")]
SIZE = 1 << 20
WARM_S = 120.0  # for libraries to load and graphs to be captured
BACK_S, LIVENESS = 5.0, 10
STYLEGAN = {
    "z_dim": 64,
    "w_dim": 64,
    "c_dim": 3,
    "channel_base": 4096,
    "channel_max": 64,
    "mapping_layers": 2,
    "conv_clamp": 256.0,
}
NETWORKS = {
    "stylegan2": {"architecture": "stylegan2", "config": {"resolution": 128, **STYLEGAN}},
    "stylegan3": {"architecture": "stylegan3", "config": {"resolution": 64, "kind": "t", **STYLEGAN}},
    "biggan": {
        "architecture": "biggan_deep",
        "config": {"resolution": 128, "ch": 16, "num_classes": 10, "z_dim": 32, "hf_compat": False},
    },
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    scratch = tmp_path_factory.mktemp("networks")
    for name, described in NETWORKS.items():
        write_random(scratch / name, {"name": name, **described})
    return {**{name: scratch / name for name in NETWORKS}, "light": find("models", "light")}


@pytest.fixture
def pattern():
    return np.random.default_rng().integers(0, 256, SIZE, dtype=np.uint8)


@pytest.fixture
def stream():
    made = Stream()
    yield made
    made.close()


def on_host(stream: Stream, pointer: int, size: int):
    """Bytes of the card's memory."""
    pinned = PinnedMemory(size)
    pinned.array[:] = 0
    stream.copy(pinned.pointer, pointer, size)
    stream.wait()
    found = pinned.array.copy()
    pinned.close()
    return found


# --- engine.core.cuda ---------------------------------------------------------------------------------------------------------


def test_bytes_come_back_as_they_went(stream, pattern) -> None:
    pinned, one, other, event = PinnedMemory(SIZE), DeviceMemory(SIZE), DeviceMemory(SIZE), Event()
    assert event.passed
    pinned.array[:] = pattern
    stream.copy(one.pointer, pinned.pointer, SIZE)
    stream.copy(other.pointer, one.pointer, SIZE)
    event.record(stream)
    stream.wait()
    assert event.passed
    assert (on_host(stream, other.pointer, SIZE) == pattern).all()
    for memory in (pinned, one, other, event):
        memory.close()


def test_a_graph_does_it_again_with_what_is_there_then(stream, pattern) -> None:
    pinned, there = PinnedMemory(SIZE), DeviceMemory(SIZE)
    pinned.array[:] = 0
    graph = Graph(stream, lambda: stream.copy(there.pointer, pinned.pointer, SIZE))
    pinned.array[:] = pattern
    graph.launch()
    stream.wait()
    assert (on_host(stream, there.pointer, SIZE) == pattern).all()
    graph.close()
    pinned.close()
    there.close()


OTHER = """
import sys
import numpy as np
from engine.core.cuda import DeviceMemory, PinnedMemory, Stream
memory, pinned, stream = DeviceMemory.open(bytes.fromhex(sys.argv[1]), int(sys.argv[2])), PinnedMemory(int(sys.argv[2])), Stream()
stream.copy(pinned.pointer, memory.pointer, memory.size)
stream.wait()
pinned.array[:] = 255 - pinned.array
stream.copy(memory.pointer, pinned.pointer, memory.size)
stream.wait()
memory.close()
"""


def test_another_process_reads_and_writes_the_same_memory(stream, pattern) -> None:
    memory, pinned = DeviceMemory(SIZE), PinnedMemory(SIZE)
    pinned.array[:] = pattern
    stream.copy(memory.pointer, pinned.pointer, SIZE)
    stream.wait()
    subprocess.run([sys.executable, "-c", OTHER, memory.handle.hex(), str(SIZE)], check=True, timeout=60)
    assert (on_host(stream, memory.pointer, SIZE) == 255 - pattern).all()
    memory.close()
    pinned.close()


# --- the cuda runtime ----------------------------------------------------------------------------------------------------


DRAWN = [(name, form) for name in (*NETWORKS, "light") for form in ("graph", "eager")]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "form"), [*DRAWN, ("light", "compiled"), ("stylegan2", "compiled")])
def test_it_draws_what_float32_draws_on_the_processor(folders, name, form) -> None:
    card = load_card(folders[name])
    generator = lookup("runtime", "cuda")(card, 4, print, form=form)
    for state, expected in drawn(card):
        found = np.zeros_like(expected)
        generator.step(state, found)
        print(name, form, check(expected, found, name))
        again = np.zeros_like(expected)
        generator.step(state, again)
        assert (again == found).all()
    generator.close()


@pytest.mark.parametrize("name", ["stylegan2", "light"])
def test_several_screens_are_drawn_in_one_call(folders, name) -> None:
    card = load_card(folders[name])
    single, several = (lookup("runtime", "cuda")(card, 4, print, batch=batch) for batch in (1, 3))
    names = variants(load_network(card))[-1]
    states = fresh(card.info("cuda"), names, 3)
    found = np.zeros((3, *card.resolution[::-1], 4), np.uint8)
    several.steps(states, found)
    for state, picture in zip(states, found, strict=True):
        expected = np.zeros_like(picture)
        single.step(state, expected)
        check(expected, picture, name)
    single.close()
    several.close()


@pytest.mark.parametrize("name", [*NETWORKS, "light"])
def test_a_picture_on_the_card_is_the_one_in_the_host_s_memory(folders, stream, name) -> None:
    card = load_card(folders[name])
    generator = lookup("runtime", "cuda")(card, 4, print)
    expected = np.zeros((*card.resolution[::-1], 4), np.uint8)
    place = DeviceMemory(expected.size)
    for seed in range(4):
        state = latent(card, seed)
        generator.step(state, expected)
        generator.draw_on_gpu(state, place.pointer)
        assert (on_host(stream, place.pointer, expected.size).reshape(expected.shape) == expected).all()
    place.close()
    generator.close()


def test_a_full_card_is_an_error_in_words_and_no_more(folders) -> None:
    card = load_card(folders["stylegan2"])
    lookup("runtime", "cuda")(card, 4, print).close()  # libraries have taken what they take
    free, _ = free_bytes()
    taken = DeviceMemory(free - (48 << 20))
    try:
        with pytest.raises(RuntimeError, match="out of memory"):
            lookup("runtime", "cuda")(load_card(folders["light"]), 4, print, batch=64)
    finally:
        taken.close()
    lookup("runtime", "cuda")(card, 4, print).close()


# --- in a process of its own ---------------------------------------------------------------------------------------------


def frame_of(process: GeneratorProcess, card, number: int):
    process.send(make_tick(card, number))
    return process.wait_for(number, 30.0)


def test_pictures_stay_on_the_card_until_they_are_refused(folders, stream) -> None:
    card = load_card(folders["light"])
    beside = lookup("runtime", "cuda")(card, 4, print)
    expected = np.zeros((*card.resolution[::-1], 4), np.uint8)
    with GeneratorProcess(folders["light"], "cuda", on_gpu=True) as process:
        wait_until(lambda: process.status().state in ("warm", "playing"), WARM_S)
        for number in range(1, 30):
            frame = frame_of(process, card, number)
            assert isinstance(frame.rgba, GpuPicture)
            beside.step(latent(card, number), expected)
            found = on_host(stream, frame.rgba.pointer, expected.size).reshape(expected.shape)
            check(expected, found, "another process")  # which may have chosen other kernels
        wait_until(lambda: process.status().frames == "card", 5)
        process.refuse_gpu_frames("it was asked to")
        frame = frame_of(process, card, 99)
        assert not isinstance(frame.rgba, GpuPicture)
        wait_until(lambda: process.status().frames == "host: it was asked to", 5)
    beside.close()


def test_a_killed_generator_is_back_and_draws_into_a_new_ring(folders, stream) -> None:
    card = load_card(folders["light"])
    with GeneratorProcess(folders["light"], "cuda", on_gpu=True) as process:
        wait_until(lambda: process.status().state in ("warm", "playing"), WARM_S)
        before = frame_of(process, card, 1)
        held = on_host(stream, before.rgba.pointer, 64)
        os.kill(process.pid, signal.SIGKILL)
        began = time.monotonic()
        wait_until(lambda: process.status().restarts == 1, 5)
        assert (on_host(stream, before.rgba.pointer, 64) == held).all()  # what is shown stays until something newer is
        process.send(make_tick(card, 2))
        wait_until(lambda: (frame := process.poll()) is not None and frame.tick == 2, BACK_S * LIVENESS)
        print(f"back after {time.monotonic() - began:.2f} s")
