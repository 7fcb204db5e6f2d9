"""A PulseAudio server of our own with a null sink: real capture and playback on a machine without a sound card."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

WAIT_S = 10.0


class PulseServer:
    """As a context, runs a server whose sink `vsink` is heard on its monitor, and points this process and its children at it.

    Raises FileNotFoundError where PulseAudio is not installed. `stop` and `start` unplug and replug the device.
    """

    def __init__(self) -> None:
        for program in ("pulseaudio", "pactl", "parec"):
            if shutil.which(program) is None:
                raise FileNotFoundError(f"expected {program} (Debian: pulseaudio pulseaudio-utils libasound2-plugins); got none")
        self._folder = Path(tempfile.mkdtemp(prefix="clavilux-pulse-"))
        self._changed: dict[str, str | None] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._awake: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        home = self._folder / "home"
        home.mkdir()
        runtime = str(self._folder)
        given = {
            "XDG_RUNTIME_DIR": runtime,
            "HOME": str(home),
            "PULSE_RUNTIME_PATH": f"{runtime}/pulse",
            "PULSE_LATENCY_MSEC": "20",
        }
        given |= {
            "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
        }  # compiled networks stay at hand
        for name, value in given.items():
            self._changed[name] = os.environ.get(name)
            os.environ[name] = value
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        for name, value in self._changed.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until its sink plays. Raises TimeoutError."""
        sink = "module-null-sink sink_name=vsink rate=48000 channels=2 format=float32le"
        words = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--realtime=no"]
        self._server = _quietly([*words, "-L", "module-native-protocol-unix auth-anonymous=1", "-L", sink])
        until_s = time.monotonic() + WAIT_S
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode != 0:
            if time.monotonic() > until_s or self._server.poll() is not None:
                raise TimeoutError(f"expected PulseAudio within {WAIT_S} s; got none")
            time.sleep(0.05)
        subprocess.run(["pactl", "set-default-sink", "vsink"], check=True)
        subprocess.run(["pactl", "set-default-source", "vsink.monitor"], check=True)
        # A monitor that nobody reads falls asleep, and its first block then comes a second late.
        self._awake = _quietly(["parec", "--latency-msec=10", "-d", "vsink.monitor"])

    def stop(self) -> None:
        """Kill the server: what a pulled plug looks like."""
        for process in (self._awake, self._server):
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait()
        self._awake = self._server = None
        shutil.rmtree(self._folder / "pulse", ignore_errors=True)


def _quietly(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
