import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.outputs.still import STILLS_WAITING, StillWriter, write_png


def test_a_still_holds_exactly_the_picture_of_that_moment(tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (90, 160, 4), np.uint8)
    wanted = picture[..., :3].copy()
    said: list[str] = []
    with closing(StillWriter(said.append)) as stills:
        assert stills.save(tmp_path / "new" / "still.png", picture)
        picture[:] = 0  # the show draws on
    assert (stills.written, said) == (1, [f"still {tmp_path}/new/still.png"])
    with Image.open(tmp_path / "new" / "still.png") as read:
        assert (read.format, read.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(read), wanted)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["still.png"]


def test_more_stills_than_can_be_written_are_refused_and_told(tmp_path: Path) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (1080, 1920, 4), np.uint8)
    said: list[str] = []
    with closing(StillWriter(said.append)) as stills:
        taken = [stills.save(tmp_path / f"{number}.png", picture) for number in range(3 * STILLS_WAITING)]
    assert sum("waiting; kept those" in message for message in said) == taken.count(False) > 0
    assert stills.written == sum(taken) == len(list(tmp_path.iterdir()))


def test_a_folder_that_is_none_is_told_and_the_next_still_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    picture = np.zeros((4, 4, 4), np.uint8)
    said: list[str] = []
    with closing(StillWriter(said.append)) as stills:
        stills.save(tmp_path / "file" / "still.png", picture)
        stills.save(tmp_path / "still.png", picture)
    assert said[0].startswith(f"expected room for the still {tmp_path}/file/still.png; got ")
    assert (tmp_path / "still.png").is_file()


def test_a_failed_write_leaves_the_old_still(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    write_png(path, np.zeros((4, 4, 3), np.uint8))
    before = path.read_bytes()
    code = f"""
import resource, numpy as np
from pathlib import Path
from engine.outputs.still import write_png
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
write_png(Path({str(path)!r}), np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8))
"""
    run = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, timeout=60)
    assert "File too large" in run.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wait_s", [0.0, 0.002, 0.005, 0.01])
def test_a_kill_while_writing_leaves_a_whole_still(tmp_path: Path, wait_s: float) -> None:
    path = tmp_path / "still.png"
    code = f"""
import itertools, numpy as np
from pathlib import Path
from engine.outputs.still import write_png
for shade in itertools.count():
    write_png(Path({str(path)!r}), np.full((200, 200, 3), shade % 256, np.uint8))
    print(shade, flush=True)
"""
    child = subprocess.Popen((sys.executable, "-c", code), stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(wait_s)
    child.kill()
    child.wait(10)
    with Image.open(path) as read:
        picture = np.asarray(read)
    assert picture.shape == (200, 200, 3)
    assert len(np.unique(picture)) == 1
