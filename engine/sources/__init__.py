"""Where sound comes from: a device, a file, a synthetic signal, or none."""

from engine.sources.hop import AudioHop, Source, SourceStatus
from engine.sources.opening import open_source
from engine.sources.portaudio import list_devices

__all__ = ["AudioHop", "Source", "SourceStatus", "list_devices", "open_source"]
