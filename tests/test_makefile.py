"""What `make play` does, with and without a window."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(shutil.which("make") is None, reason="without make")
@pytest.mark.parametrize(
    ("window", "play", "called"),
    [
        (True, "tidal --seed 7", "play tidal --seed 7"),
        (False, "tidal --audio 'a b.flac'", "play --film tidal --audio a b.flac"),
        (False, "", "play --film"),
    ],
)
def test_make_play_hands_options_on_to_a_window_or_a_film(tmp_path: Path, window: bool, play: str, called: str) -> None:
    for name, script in (("python", f"exit {0 if window else 1}"), ("clavilux", 'echo "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    ready = ("-o", "system-play", "-o", ".venv/play.stamp")
    command = ["make", "--no-print-directory", "play", *ready, f"BIN={tmp_path}", f"PLAY={play}"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == called
