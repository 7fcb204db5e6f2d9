"""A supervised show whose monitor or whole display is gone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from supervised import REACH_S, Supervised

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for the show's processes in /proc")


def xvfb(name: str = "") -> tuple["subprocess.Popen[bytes]", str]:
    """An X server, ready: a new one, or one by its name."""
    reading, writing = os.pipe()
    command = ["setpriv", "--pdeathsig", "KILL", "Xvfb", *([name] if name else []), "-displayfd", str(writing)]
    command += ["-screen", "0", "1280x720x24", "+extension", "GLX", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with open(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb did not start"
    return server, f":{number}"


HAS_A_STAGE = """
from engine.windows import display
from engine.windows import output_window
output_window.find_monitor = lambda name: display.find_monitor(None)
"""


def test_a_monitor_that_is_gone_is_no_reason_to_stay_dark(play: Callable[..., Supervised]) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no monitor is lost here (apt-get install xvfb)")
    server, name = xvfb()
    try:
        show = play("--macro.2", "0.8", "--monitor", "stage", display=name, fault=HAS_A_STAGE)
        show.saved()
        os.kill(show.show(), signal.SIGKILL)
        show.said("the show is back after")
        assert "shown in a window until it is there" in show.said("got 'stage'")
        show.process.send_signal(signal.SIGTERM)
        assert show.process.wait(REACH_S) == 0
    finally:
        server.kill()
        server.wait()


def test_a_lost_display_is_waited_for_and_is_no_reason_for_safe_mode(play: Callable[..., Supervised]) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed: no display is lost here (apt-get install xvfb)")
    server, name = xvfb()
    try:
        show = play("--macro.2", "0.8", display=name)
        show.saved()
        server.kill()
        server.wait()
        show.said("the display is gone")
        time.sleep(3.0)  # for several looks
        server, _ = xvfb(name)
        show.said("the show is back after")
        assert show.ask("/macro/2") == pytest.approx(0.8)
        assert sum("the display is gone" in line for line in show.lines) == 1
        assert not any("safe mode" in line for line in show.lines), show.lines
        show.process.send_signal(signal.SIGTERM)
        assert show.process.wait(REACH_S) == 0
    finally:
        server.kill()
        server.wait()
