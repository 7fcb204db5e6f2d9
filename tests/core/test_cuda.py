"""CUDA where there is none: every call says so in words, and nobody takes it for more than that."""

import pytest

from engine.core.cuda import CudaError, DeviceMemory, Event, PinnedMemory, SharedBuffer, Stream, device_count, draws_opengl
from engine.runtime.nvidia import cards

pytestmark = pytest.mark.skipif(bool(cards()), reason="there is an NVIDIA card: see tests/runtime/test_gpu_cuda.py")
CALLS = {
    "count": device_count,
    "memory": lambda: DeviceMemory(16),
    "another's memory": lambda: DeviceMemory.open(bytes(64), 16),
    "pinned": lambda: PinnedMemory(16),
    "stream": Stream,
    "event": Event,
    "buffer": lambda: SharedBuffer(1),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_missing_driver_or_package_is_an_error_in_words(call) -> None:
    with pytest.raises(CudaError, match=r"NVIDIA's driver|pip install cuda-bindings"):
        call()


def test_nothing_is_drawn_by_a_card_that_is_not_there() -> None:
    assert not draws_opengl()
