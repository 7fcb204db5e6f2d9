import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from filming import FPS, HOP, RATE_HZ, SIZE, boxes, numbered, open_film, play

from engine.core.types import ByteArray
from engine.outputs.film import KEYFRAME_EVERY_S


def noise(rng: np.random.Generator) -> ByteArray:
    """A picture that no encoder makes small; two seconds of it are about a megabyte."""
    return rng.integers(0, 255, (90, 160, 4), np.uint8)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(("mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)), capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"no small disk can be mounted here, so none is filled: {mount.stderr.strip()}")
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


@pytest.mark.parametrize("paced", [False, True])
def test_a_full_disk_closes_the_film_playable_and_says_so(small_disk: Path, paced: bool) -> None:
    path = small_disk / "film.mp4"
    rng = np.random.default_rng(1)
    sink = open_film(path, (160, 90), FPS, paced=paced)
    number, until_s = 0, time.monotonic() + 60.0
    while sink.status().state == "open" and time.monotonic() < until_s:  # a busy machine drops pictures of a paced film
        sink.picture(noise(rng), number / FPS)
        sink.sound(np.zeros((HOP, 2), np.float32), number / FPS)
        number += 1
        time.sleep(0.005 if paced else 0.0)
    status = sink.status()
    if status.state == "open":
        sink.close()
    assert status.state == "disk full"
    assert status.message == f"expected room for {path}; got No space left on device; kept the film up to there"
    sink.picture(numbered(1), 100.0)  # the show goes on
    sink.sound(np.zeros((HOP, 2), np.float32), 100.0)
    sink.close()
    assert sink.status().state == "disk full"
    film = play(path)
    assert len(film.pictures) >= 0.8 * KEYFRAME_EVERY_S * FPS  # x264 may begin a fragment early
    assert film.times_s == pytest.approx([number / FPS for number in range(len(film.times_s))], abs=1e-3) or paced
    assert len(film.sound) > 0.9 * film.times_s[-1] * RATE_HZ
    assert boxes(path) == [b"ftyp", b"free", b"free", b"moov", *[b"moof", b"mdat"] * (len(boxes(path)) // 2 - 2)]


def test_a_disk_that_is_full_from_the_start_is_told_and_harmless(small_disk: Path) -> None:
    (small_disk / "rest").write_bytes(bytes(os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize))
    sink = open_film(small_disk / "film.mp4", SIZE, FPS, paced=False)
    for number in range(200):
        sink.picture(numbered(number), number / FPS)
    sink.close()
    assert sink.status().state == "disk full"


def test_a_limit_on_the_size_of_files_is_met_like_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    code = f"""
import resource, numpy as np
from pathlib import Path
from engine.outputs.film import FilmSink
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
sink = FilmSink(Path({str(path)!r}))
sink.open((160, 90), {FPS}, {RATE_HZ}, paced=False)
rng = np.random.default_rng(0)
for number in range(300):
    sink.picture(rng.integers(0, 255, (90, 160, 4), np.uint8), number / {FPS})
sink.close()
print(sink.status().state, end="")
"""
    run = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout == "disk full"
    assert len(play(path).pictures) >= 0.8 * KEYFRAME_EVERY_S * FPS
