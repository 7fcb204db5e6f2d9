"""The ring's promise, with the host's memory in the place of the card's: whoever copies late still copies a whole picture."""

import ctypes
import subprocess
import sys
import time

import numpy as np
import pytest

from engine.core.slots import LocalSlot, SharedSlot
from engine.runtime.worker.frame_ring import CELLS, CLAIM, Cells, Claims, FrameRing, ring_bytes
from engine.runtime.worker.protocol import PLACE

RESOLUTION = (64, 32)
SIZE = RESOLUTION[0] * RESOLUTION[1] * 4


class HostMemory:
    """What a ring wants of memory: to be somewhere."""

    def __init__(self) -> None:
        self.array = np.zeros(ring_bytes(RESOLUTION), np.uint8)
        self.pointer = self.array.ctypes.data

    def close(self) -> None:
        pass


@pytest.fixture
def ring():
    return FrameRing(HostMemory(), RESOLUTION)


@pytest.fixture
def sides(ring):
    places, claims = LocalSlot(), LocalSlot()
    return Claims(ring, places, claims), Cells(claims), places


def place(number: int, cell: int) -> dict[str, float]:
    return {"number": number, "tick": number, "t_heard": 0.0, "t_made": 0.0, "cell": cell}


def publish(cells: Cells, places, number: int) -> int:
    cell = cells.next()
    assert cell is not None
    places.put(place(number, cell))
    cells.published(cell)
    return cell


def test_a_picture_has_a_place_and_a_shape(ring, sides) -> None:
    reader, cells, places = sides
    cell = publish(cells, places, 1)
    number, record, picture = reader.newer(0)
    assert (number, record["tick"], picture.shape) == (1, 1, (32, 64, 4))
    assert picture.pointer == ring.pointer(cell)
    assert reader.newer(1) is None


def test_what_is_shown_and_what_is_newest_are_never_drawn_into(sides) -> None:
    reader, cells, places = sides
    shown = publish(cells, places, 1)
    assert reader.newer(0) is not None
    newest = shown
    for number in range(2, 50):
        cell = cells.next()
        assert cell not in (shown, newest)
        newest = publish(cells, places, number)
        if number % 7 == 0:
            assert reader.newer(number - 1) is not None
            shown = newest


def test_none_is_given_while_the_last_one_is_being_copied(sides) -> None:
    reader, cells, places = sides
    publish(cells, places, 1)
    _, _, picture = reader.newer(0)
    picture.copied = lambda: False
    publish(cells, places, 2)
    assert reader.newer(1) is None
    picture.copied = lambda: True
    assert reader.newer(1) is not None


def test_refused_pictures_go_another_way(sides) -> None:
    reader, cells, places = sides
    publish(cells, places, 1)
    reader.refuse()
    assert reader.newer(0) is None
    assert cells.next() is None


WRITER = """
import ctypes, sys, time
import numpy as np
from engine.runtime.worker.protocol import PLACE
from engine.runtime.worker.frame_ring import CLAIM, Cells
from engine.core.slots import SharedSlot
memory = SharedSlot.attach(sys.argv[1], np.dtype([("ring", np.uint8, (int(sys.argv[4]),))]))
claims, places = SharedSlot.attach(sys.argv[2], CLAIM), SharedSlot.attach(sys.argv[3], PLACE)
cells, size = Cells(claims), int(sys.argv[4]) // 3
pictures = memory._cells[0]["record"]["ring"].reshape(3, size)
number, end = 0, time.monotonic() + 3.0
while time.monotonic() < end:
    number += 1
    cell = cells.next()
    pictures[cell, : size // 2] = number % 251
    time.sleep(0)
    pictures[cell, size // 2 :] = number % 251
    places.put({"number": number, "tick": number, "t_heard": 0.0, "t_made": 0.0, "cell": cell})
    cells.published(cell)
"""


def test_no_picture_is_torn_between_two_processes() -> None:
    ring_dtype = np.dtype([("ring", np.uint8, (CELLS * SIZE,))])
    slots = [SharedSlot.create(dtype) for dtype in (ring_dtype, CLAIM, PLACE)]
    memory, claims, places = slots
    shared = memory._cells[0]["record"]["ring"]

    class Shared:
        pointer = shared.ctypes.data

    reader = Claims(FrameRing(Shared(), RESOLUTION), places, claims)
    names = [slot.name for slot in slots]
    writer = subprocess.Popen([sys.executable, "-c", WRITER, *names, str(CELLS * SIZE)])
    seen, torn, newest = 0, 0, 0
    while writer.poll() is None:
        found = reader.newer(newest)
        if found is None:
            continue
        newest, record, picture = found
        time.sleep(0.0005)  # a late copy
        copy = np.frombuffer(ctypes.string_at(picture.pointer, SIZE), np.uint8)
        seen += 1
        torn += bool((copy != record["number"] % 251).any())
    del shared
    for slot in slots:
        slot.close()
    assert writer.returncode == 0
    assert seen > 20
    assert torn == 0
