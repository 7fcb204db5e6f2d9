"""How long pictures take from the network to the stage, by way of the host's memory and on the card."""

import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine.core.cuda import CudaError, DeviceMemory, PinnedMemory, Stream, device_count
from engine.core.slots import SharedSlot
from engine.core.types import ByteArray, GpuPicture
from engine.runtime.nvidia import cards
from engine.stage.gl_context import Waiter, headless_context, is_software
from engine.stage.upload import BufferedUpload, DirectUpload, GpuUpload, Upload

SIDES = (256, 512, 1024)
CELLS = 3
WARM = 20  # pictures before those that count


def measure(pictures: int) -> dict[str, Any]:
    """Milliseconds of every way and size, `pictures` each in turns; which of host and card is `faster`, all sizes together.

    A picture begins on the card where there is one, and ends in a texture: `done` is until the card has it there, `held`
    what the thread that draws is busy with. By the host it is copied as a live show copies it, through shared memory.
    Without a card it begins in the host's memory, and there is no other way. Raises RuntimeError without OpenGL.
    """
    context = headless_context()
    card = cards()[0].name if cards() else ""
    ways: dict[str, Any] = {}
    samples: dict[str, Any] = {}
    reason = "" if card else "no NVIDIA card answers"
    try:
        for side in SIDES:
            spent, failed = _compare(context, side, pictures, bool(card))
            reason = failed or reason
            samples[str(side)] = spent
            ways[str(side)] = {name: _figures(found) for name, found in spent.items()}
    finally:
        renderer = str(context.info["GL_RENDERER"])
        software = is_software(context)
        context.release()
    best = {name: sum(ways[str(side)][name]["done_ms_p50"] for side in SIDES if name in ways[str(side)]) for name in _names(ways)}
    card_wins = "card" in best and best["card"] < min(value for name, value in best.items() if name != "card")
    return {
        "card": card,
        "renderer": renderer,
        "software": software,
        "python": platform.python_version(),
        "faster": "card" if card_wins else "host",
        "why_not_card": reason,
        "sizes": ways,
        "samples": samples,
    }


def _names(ways: dict[str, Any]) -> Sequence[str]:
    """The ways that were measured at every size."""
    return [name for name in ways[str(SIDES[0])] if all(name in ways[str(side)] for side in SIDES)]


def _figures(spent: list[tuple[float, float]]) -> dict[str, float]:
    done, held = np.array(spent).T
    return {
        "done_ms_p50": round(float(np.percentile(done, 50)), 4),
        "done_ms_p99": round(float(np.percentile(done, 99)), 4),
        "held_ms_p50": round(float(np.percentile(held, 50)), 4),
        "held_ms_p99": round(float(np.percentile(held, 99)), 4),
    }


def _compare(context: Any, side: int, pictures: int, has_card: bool) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """(done, held) of each picture by way, and why there was no way on the card."""
    size = side * side * 4
    texture = context.texture((side, side), 4, internal_format=0x8C43)
    waiter, rng, failed = Waiter(), np.random.default_rng(side), ""
    shown = [rng.integers(0, 256, (side, side, 4), dtype=np.uint8) for _ in range(CELLS)]
    slot = SharedSlot.create(np.dtype([("rgba", np.uint8, (side, side, 4))]))
    closing: list[Callable[[], object]] = [texture.release, slot.close]
    ways: dict[str, Callable[[int], None]] = {}

    def host(upload: Upload, picture: Callable[[int], ByteArray]) -> Callable[[int], None]:
        def go(number: int) -> None:
            slot.put({"rgba": picture(number)})
            found = slot.get()
            assert found is not None
            upload.write([texture], found["rgba"])

        return go

    def there(number: int) -> ByteArray:
        return shown[number % CELLS]

    fetch: Callable[[int], ByteArray] = there
    if has_card:
        try:
            device_count()
            source, ring, landing, stream = DeviceMemory(CELLS * size), DeviceMemory(CELLS * size), PinnedMemory(size), Stream()
            closing += [source.close, ring.close, landing.close, stream.close]
            for index, picture in enumerate(shown):
                landing.array[:] = picture.reshape(-1)
                stream.copy(source.pointer + index * size, landing.pointer, size)
                stream.wait()

            def fetched(number: int) -> ByteArray:
                stream.copy(landing.pointer, source.pointer + number % CELLS * size, size)
                stream.wait()
                return landing.array.reshape(side, side, 4)

            fetch = fetched
            card = GpuUpload(context, size)
            closing.append(card.release)

            def stay(number: int) -> None:
                place = ring.pointer + number % CELLS * size
                stream.copy(place, source.pointer + number % CELLS * size, size)
                stream.wait()
                card.write([texture], GpuPicture(place, (side, side, 4)))

            ways["card"] = stay
        except CudaError as error:
            failed = str(error)
    direct, buffered = DirectUpload(), BufferedUpload(context, size)
    closing.append(buffered.release)
    ways |= {"host direct": host(direct, fetch), "host buffered": host(buffered, fetch)}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(WARM + pictures):
        for name, go in ways.items():
            began = time.perf_counter()
            go(number)
            held = time.perf_counter()
            waiter.wait()
            done = time.perf_counter()
            drawn = np.frombuffer(texture.read(), np.uint8).reshape(side, side, 4) if number < CELLS else None
            if drawn is not None and not (drawn == shown[number % CELLS]).all():
                raise RuntimeError(f"expected the picture that was sent by way of {name}; got another in the texture")
            if number >= WARM:
                spent[name].append(((done - began) * 1e3, (held - began) * 1e3))
    for close in reversed(closing):
        close()
    return spent, failed
