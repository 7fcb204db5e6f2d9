"""A run speaks to people on the terminal, and JSON to programs."""

import json
from pathlib import Path

import pytest

from engine.studio.training.run_log import LOG, Board, spoken

LINES = {
    "training light on 1,234 pictures, from step 500; cpu, float32": {
        "recipe": "light",
        "from_step": 500,
        "pictures": 1234,
        "on": "cpu",
        "in": "torch.float32",
    },
    "step 1,200, loss 0.312, 14.2 pictures/s, 43 min left": {
        "step": 1200,
        "loss": 0.31234,
        "pictures_per_s": 14.21,
        "left_s": 2580.0,
    },
    "step 1,200, distance 163": {"step": 1200, "distance": 163.2},
    "stopped at step 7; the same command goes on from there": {"stopped_at": 7},
    "the model is in run/model": {"model": "run/model"},
}


@pytest.mark.parametrize("told", LINES)
def test_lines_are_told_as_people_read_them(told: str) -> None:
    assert spoken(LINES[told]) == told


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_is_json_whatever_the_terminal_gets(tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    board = Board(tmp_path, as_json)
    for line in LINES.values():
        board.say(line)
    board.close()
    shown = [line for line in capsys.readouterr().out.splitlines() if "tensorboard" not in line]
    written = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines() if "tensorboard" not in line]
    assert [line["loss"] for line in written if "loss" in line] == [0.31234]
    assert ([json.loads(line) for line in shown] == written) if as_json else (shown == list(LINES))
