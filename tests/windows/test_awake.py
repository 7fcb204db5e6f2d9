import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.windows.awake import Awake

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only the locks of Linux are held by commands like these")

# systemd's own command runs what it is given and holds the lock meanwhile; it needs logind, which no container has.
HOLDER = '#!/bin/sh\necho $$ > "{folder}/held"\nwhile [ "${{1#--}}" != "$1" ]; do shift; done\nexec "$@"\n'


@pytest.fixture
def holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "systemd-inhibit"
    program.write_text(HOLDER.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    return tmp_path / "held"


def running(held: Path) -> bool:
    try:
        os.kill(int(held.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def test_the_lock_is_held_until_the_show_ends(holder: Path, eventually: Callable[[Callable[[], bool]], None]) -> None:
    with Awake() as awake:
        eventually(lambda: running(holder))
        time.sleep(0.2)
        assert running(holder)
        assert "systemd-inhibit" in awake.held_by
    assert not running(holder)
    assert awake.held_by == ()


def test_a_killed_show_lets_go_of_the_lock(holder: Path, eventually: Callable[[Callable[[], bool]], None]) -> None:
    code = "import time\nfrom engine.windows.awake import Awake\nawake = Awake()\ntime.sleep(60)"
    show = subprocess.Popen((sys.executable, "-c", code))
    eventually(lambda: running(holder))
    show.kill()
    show.wait(10)
    eventually(lambda: not running(holder))


def test_a_machine_without_such_commands_plays_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with Awake() as awake:
        assert awake.held_by == ()
