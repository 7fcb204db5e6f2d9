"""Where sound comes from: a device, a file, a synthetic signal, or none."""

from engine.audio.opening import open_source
from engine.audio.portaudio import list_devices
from engine.audio.source import AudioHop, Source, SourceStatus

__all__ = ["AudioHop", "Source", "SourceStatus", "list_devices", "open_source"]
