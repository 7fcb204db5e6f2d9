"""PortAudio: its devices, by name since numbers shift when something is plugged in, and its streams.

PortAudio reads the list of devices once, when it is initialised, and initialising it anew frees every open stream. So all
streams are opened and shut here, and the list is read anew only while none is open.
"""

import threading
from dataclasses import dataclass
from typing import Any

_lock = threading.RLock()
_streams: set[Any] = set()


@dataclass(frozen=True, slots=True)
class Device:
    """One sound device as PortAudio lists it."""

    number: int
    name: str
    host: str  # ALSA, JACK, Core Audio, WASAPI, ...
    inputs: int
    outputs: int
    rate_hz: float


def portaudio() -> Any:
    """The sounddevice module. Raises OSError that says what to install."""
    try:
        import sounddevice
    except OSError as error:
        raise OSError(f"expected PortAudio (Debian: apt-get install libportaudio2); got {error}") from error
    return sounddevice


def list_devices(fresh: bool = False) -> tuple[Device, ...]:
    """All devices. `fresh` looks for what was plugged in since the last look, unless a stream of this process is open."""
    sound = portaudio()
    with _lock:
        if fresh and not _streams:
            sound._terminate()
            sound._initialize()
        hosts = [host["name"] for host in sound.query_hostapis()]
        return tuple(
            Device(
                number,
                entry["name"],
                hosts[entry["hostapi"]],
                entry["max_input_channels"],
                entry["max_output_channels"],
                entry["default_samplerate"],
            )
            for number, entry in enumerate(sound.query_devices())
        )


def find_input(name: str, devices: tuple[Device, ...]) -> Device | None:
    """The input device called `name` (a number, `default`, or part of a name; a whole name wins), or None."""
    able = [device for device in devices if device.inputs > 0]
    if name == "default":
        default = portaudio().default.device[0]
        return next((device for device in able if device.number == default), able[0] if able else None)
    if name.isdecimal():
        return next((device for device in able if device.number == int(name)), None)
    whole = [device for device in able if device.name.lower() == name.lower()]
    part = [device for device in able if name.lower() in device.name.lower()]
    return next(iter((*whole, *part)), None)


def open_stream(kind: str, **options: Any) -> Any:
    """A started `InputStream` or `OutputStream` of sounddevice. Raises OSError."""
    sound = portaudio()
    with _lock:
        try:
            stream = getattr(sound, kind)(dtype="float32", **options)
        except sound.PortAudioError as error:
            raise OSError(f"expected to open device {options.get('device', 'default')}; got {error} from PortAudio") from error
        _streams.add(stream)
        try:
            stream.start()
        except sound.PortAudioError as error:
            shut_stream(stream)
            raise OSError(f"expected to start device {options.get('device', 'default')}; got {error} from PortAudio") from error
    return stream


def shut_stream(stream: Any) -> None:
    """Stop and close at once, also what is already gone."""
    with _lock:
        try:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
        finally:
            _streams.discard(stream)
