import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine.core.slots import LocalSlot, SharedSlot

PICTURE = np.dtype([("tick", np.int64), ("rgba", np.uint8, (64, 64, 4))])


def segments() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob(f"clavilux-{os.getpid()}-*")}


@pytest.fixture(params=["local", "shared"])
def slot(request):
    slot = LocalSlot() if request.param == "local" else SharedSlot.create(PICTURE)
    yield slot
    if request.param == "shared":
        slot.close()


def record(tick: int) -> dict:
    return {"tick": tick, "rgba": np.full((64, 64, 4), tick % 251, np.uint8)}


def test_an_empty_slot_gives_nothing(slot):
    assert slot.get() is None
    assert slot.newer(0) is None


def test_only_the_newest_value_is_seen(slot):
    for tick in range(1, 8):
        slot.put(record(tick))
    number, value = slot.newer(3)
    assert number == 7
    assert value["tick"] == 7
    assert (value["rgba"] == 7).all()
    assert slot.newer(7) is None
    assert slot.get()["tick"] == 7


def test_a_local_slot_hands_over_the_object_itself():
    slot, value = LocalSlot(), object()
    slot.put(value)
    assert slot.get() is value


def test_what_was_read_does_not_change_when_more_is_written():
    slot = SharedSlot.create(PICTURE)
    slot.put(record(1))
    held = slot.get()
    for tick in range(2, 9):
        slot.put(record(tick))
    assert (held["rgba"] == 1).all()
    slot.close()


def write_for_half_a_second(name: str) -> None:
    slot, tick, end = SharedSlot.attach(name, PICTURE), 0, time.monotonic() + 0.5
    while time.monotonic() < end:
        tick += 1
        slot.put(record(tick))
    slot.put({"tick": -1, "rgba": record(tick + 1)["rgba"]})
    slot.close()


def test_another_process_never_shows_a_torn_record():
    slot = SharedSlot.create(PICTURE)
    writer = multiprocessing.get_context("spawn").Process(target=write_for_half_a_second, args=(slot.name,))
    writer.start()
    seen, count, tick = 0, 0, 0
    while tick >= 0 and (writer.is_alive() or slot.newer(seen)):
        found = slot.newer(seen)
        if found:
            seen, value = found
            count += 1
            tick = int(value["tick"])
            assert tick in (seen, -1)
            assert (value["rgba"] == seen % 251).all()
    writer.join()
    assert tick == -1
    assert 20 < count < seen  # many were read, and many were overwritten unread
    slot.close()


def test_a_record_that_is_being_written_is_not_read():
    slot = SharedSlot.create(PICTURE)
    slot.put(record(1))
    torn = slot._cells[1]
    torn["begin"] = 4  # a writer that began the fourth record and died
    torn["record"]["rgba"] = 99
    del torn
    assert slot.newer(0) is None
    slot.put(record(2))
    assert slot.get()["tick"] == 2
    slot.close()


def test_a_reader_that_attaches_does_not_take_the_segment_away():
    slot = SharedSlot.create(PICTURE)
    slot.put(record(5))
    code = (
        "import sys, numpy as np; from engine.core.slots import SharedSlot;"
        "dtype = np.dtype([('tick', np.int64), ('rgba', np.uint8, (64, 64, 4))]);"
        "print(SharedSlot.attach(sys.argv[1], dtype).get()['tick'])"
    )
    done = subprocess.run([sys.executable, "-c", code, slot.name], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "5"
    assert done.stderr == ""
    assert slot.name in segments()
    again = SharedSlot.attach(slot.name, PICTURE)
    assert again.get()["tick"] == 5
    again.close()
    slot.close()
    assert slot.name not in segments()


def test_a_stale_writer_cannot_reach_the_new_segment():
    old = SharedSlot.create(PICTURE)
    stale = SharedSlot.attach(old.name, PICTURE)
    old.close()
    new = SharedSlot.create(PICTURE)
    stale.put(record(3))
    assert new.get() is None
    with pytest.raises(FileNotFoundError):
        SharedSlot.attach(old.name, PICTURE)
    stale.close()
    new.close()


def test_the_segment_goes_even_when_its_creator_is_killed():
    code = (
        "import os, signal, numpy as np; from engine.core.slots import SharedSlot;"
        "slot = SharedSlot.create(np.dtype([('tick', np.int64)])); print(slot.name, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    # The tracker that removes the segment holds the pipe's end, so communicate() returns when it is done.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    name = done.stdout.strip()
    assert name.startswith("clavilux-")
    assert not Path("/dev/shm", name).exists()


def test_closing_under_a_busy_reader_is_safe():
    slot = SharedSlot.create(PICTURE)
    slot.put(record(1))
    stop = threading.Event()
    failures = []

    def read() -> None:
        try:
            while not stop.is_set():
                slot.newer(0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    while not slot.close():
        pass
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert slot.get() is None
    slot.put(record(2))


def test_a_full_shared_memory_is_refused_not_fatal():
    code = (
        "import os, numpy as np; from engine.core.slots import SharedSlot;"
        "os.system('mount -t tmpfs -o size=1m none /dev/shm') == 0 or os._exit(77)\n"
        "try: SharedSlot.create(np.dtype([('rgba', np.uint8, (1 << 20,))]))\n"
        "except OSError as error: print(error, os.listdir('/dev/shm'))"
    )
    done = subprocess.run(["unshare", "-m", sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip("mounting a small /dev/shm needs root, and a root that is a mount")
    assert done.stdout.strip() == "[Errno 28] No space left on device []"
    assert done.stderr == ""
