import os
import shutil

import numpy as np
import pytest
from pictures import landscape, shown

from engine.core import resources
from engine.stage.passes import PassError, load_passes
from engine.stage.stage import Stage
from engine.stage.stage_params import StageSettings

PLAIN = {"/stage/grain": 0.0, "/shader/zoom/drift": 0.0, "/shader/feedback/amount": 0.0, "/shader/warp/speed": 0.0}


@pytest.fixture
def shelf(tmp_path):
    for path in resources.listing("shaders", "*.glsl"):
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def stage(context, shelf):
    made = Stage(context, (96, 60), StageSettings(), load_passes(sorted(shelf.glob("*.glsl"))), (96, 60))
    yield made
    made.close()


def save(path, text):
    path.write_text(text)
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1_000_000_000))


def test_a_saved_pass_is_taken_while_it_plays(stage, shelf):
    before = shown(stage, PLAIN, landscape())
    assert stage.reload_changed() == []
    path = shelf / "grade.glsl"
    save(path, path.read_text().replace("vec2 p = uv - 0.5;", "vec2 p = uv - 0.5; color = color.bgr;"))
    assert stage.reload_changed() == [f"{path}: reloaded"]
    after = shown(stage, PLAIN, landscape())
    assert np.abs(after[..., ::-1] - before).mean() < np.abs(after - before).mean()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("float l = luminance(color);", "float l = luminence(color);", "luminence"),
        ("float l = luminance(color);", "float l = luminance(color)", "syntax error"),
        ("// kind pointwise", "// kind pointless", "pointless"),
        ("contrast 1.12 low=0", "contrast 1.12 low=9", "low < high"),
    ],
)
def test_a_broken_pass_keeps_the_last_good_one_and_names_the_line(stage, shelf, old, new, says):
    before = shown(stage, PLAIN, landscape())
    path = shelf / "grade.glsl"
    good = path.read_text()
    assert old in good
    save(path, good.replace(old, new))
    [message] = stage.reload_changed()
    file, line, rest = message.split(":", 2)
    assert file == str(path)
    assert says in rest
    assert "kept the last good grade" in rest
    at = 1 + next(number for number, text in enumerate(good.splitlines()) if old in text)
    if "kind" not in old:
        assert abs(int(line) - at) <= 1
    assert np.abs(shown(stage, PLAIN, landscape()) - before).max() <= 2
    assert stage.reload_changed() == []  # said once
    save(path, good + "\n")
    assert stage.reload_changed() == [f"{path}: reloaded"]


def test_a_pass_that_is_deleted_plays_on(stage, shelf):
    (shelf / "warp.glsl").unlink()
    assert stage.reload_changed() == []
    assert shown(stage, PLAIN, landscape()).std() > 5


def test_a_broken_pass_at_the_start_is_refused_with_its_line(context, shelf):
    path = shelf / "warp.glsl"
    save(path, path.read_text().replace("vec2 p = centred(uv);", "vec2 p = centered(uv);"))
    with pytest.raises(PassError, match=rf"^{path}:\d+: .*centered"):
        Stage(context, (96, 60), StageSettings(), load_passes(sorted(shelf.glob("*.glsl"))), (96, 60))
