"""A JACK server with a dummy driver: MIDI between real clients, without a sound card."""

import subprocess
import time
from pathlib import Path

NO_SERVER = "jackd does not start on this machine"


class JackServer:
    """jackd under a name of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until clients can connect. Raises RuntimeError if it does not."""
        import rtmidi

        command = ["jackd", "--no-realtime", "--sync", "-n", self.name, "-d", "dummy", "-r", "48000", "-p", "512"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30.0
        while True:
            try:
                rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "waiting").delete()
                return
            except rtmidi.RtMidiError:
                if time.monotonic() > end or self._process.poll() is not None:
                    self.stop()
                    raise RuntimeError(f"{NO_SERVER}; see: {' '.join(command)}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        """End it, with its clients still connected. A killed one would keep one of JACK's eight places for servers."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        for left in Path("/dev/shm").glob(f"jack*_{self.name}*"):  # by clients that outlived it
            left.unlink(missing_ok=True)
