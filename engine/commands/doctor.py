"""`clavilux doctor`: what this machine offers a performance, and what to do where it does not."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from engine.core import resources

OSC_PORT = 9000  # where OSC controllers send by custom
NO_WINDOW = "make play writes a film here; `play --headless` performs without a window; a desktop session has one"
OSC_BUFFER_BYTES = 4 << 20  # a burst of 10k messages/s must not be lost before it is read
SHARED_BYTES = 64 << 20  # all the frames that pass between processes, with room to spare


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `state` is ok, note (works, could be better) or fault (a performance needs it)."""

    state: str
    about: str
    found: str
    advice: str = ""


def check_graphics() -> Iterator[Finding]:
    """OpenGL without a display, and who draws it."""
    from engine.stage.gl_context import headless_context, is_software

    try:
        context = headless_context()
    except RuntimeError as error:
        yield Finding(
            "fault", "OpenGL", str(error), "install the graphics driver, or Mesa: apt-get install libegl1 libgl1 libgl1-mesa-dri"
        )
        return
    info = f"{context.info['GL_RENDERER']}, OpenGL {context.info['GL_VERSION']}"
    if is_software(context):
        yield Finding(
            "note", "OpenGL", info, "the processor draws: internal resolution goes down to 320x180; any graphics card lifts this"
        )
    else:
        yield Finding("ok", "OpenGL", info)
    context.release()


def check_window() -> Iterator[Finding]:
    """A display to open a window on."""
    from engine.windows.display import displays_available, monitor_names

    available, reason = displays_available()
    if available:
        yield Finding("ok", "window", "monitors: " + ", ".join(monitor_names()))
    else:
        yield Finding("note", "window", reason, NO_WINDOW)


def check_encoder() -> Iterator[Finding]:
    """Video encoders for recording."""
    import av

    from engine.outputs.film import nvenc_opens

    if nvenc_opens(1280, 720):
        yield Finding("ok", "recording", "encoder: h264_nvenc, on the card")
    elif "libx264" in av.codecs_available:
        yield Finding("ok", "recording", "encoder: libx264")
    else:
        yield Finding("note", "recording", "no libx264 in this build of PyAV", "pip install --force-reinstall av")


def check_audio() -> Iterator[Finding]:
    """Sound devices that can be listened to."""
    from engine.audio import list_devices

    try:
        inputs = [device.name for device in list_devices() if device.inputs > 0]
    except OSError as error:
        yield Finding(
            "note", "audio", str(error), "for live sound: apt-get install libportaudio2; files and the demo play without it"
        )
        return
    if inputs:
        yield Finding("ok", "audio", f"{len(inputs)} inputs: {', '.join(inputs[:4])}{', ...' if len(inputs) > 4 else ''}")
    else:
        yield Finding(
            "note", "audio", "no input device", "connect one for live sound, or play files: clavilux play --audio song.flac"
        )


def check_midi() -> Iterator[Finding]:
    """MIDI ports, where the optional library is installed."""
    try:
        import rtmidi
    except ImportError:
        yield Finding("note", "MIDI", "python-rtmidi is not installed", "to see MIDI ports here: pip install python-rtmidi")
        return
    if sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists():
        yield Finding("note", "MIDI", "no ALSA sequencer (/dev/snd/seq)", "load it: sudo modprobe snd-seq; or use JACK")
        return
    ports = rtmidi.MidiIn().get_ports()
    yield (
        Finding("ok", "MIDI", "inputs: " + ", ".join(ports))
        if ports
        else Finding("note", "MIDI", "no input", "connect a controller")
    )


def check_ports() -> Iterator[Finding]:
    """The UDP port for OSC, and how much may wait there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", OSC_PORT))
            yield Finding("ok", "ports", f"UDP {OSC_PORT} is free for OSC")
        except OSError as error:
            yield Finding("note", "ports", f"UDP {OSC_PORT}: {error.strerror}", f"see who has it: ss -lunp 'sport = :{OSC_PORT}'")
    limit = Path("/proc/sys/net/core/rmem_max")
    if limit.is_file():
        held = int(limit.read_text())
        if held >= OSC_BUFFER_BYTES:
            yield Finding("ok", "rmem_max", f"{held} bytes")
        else:
            yield Finding(
                "note",
                "rmem_max",
                f"{held} bytes: bursts of OSC may be lost",
                f"sudo sysctl -w net.core.rmem_max={OSC_BUFFER_BYTES} (and in /etc/sysctl.d to keep it)",
            )


def check_memory() -> Iterator[Finding]:
    """Shared memory, through which frames pass from the generator's process."""
    if Path("/dev/shm").is_dir():
        free = shutil.disk_usage("/dev/shm").free
        if free >= SHARED_BYTES:
            yield Finding("ok", "shared memory", f"{free >> 20} MiB free")
        else:
            yield Finding("fault", "shared memory", f"{free >> 20} MiB free in /dev/shm", "in a container: --shm-size 256m")


def check_runtimes() -> Iterator[Finding]:
    """What can execute the network, and what keeps the others from it. Looks the libraries up without loading them."""
    from engine.runtime.available import availabilities, backend, reasons
    from engine.runtime.nvidia import cards

    found = availabilities()
    working = [f"{availability.runtime} ({availability.found})" for availability in found if availability.works]
    missing = [availability for availability in found if not availability.works]
    cores = f"{os.cpu_count()} processor cores"
    if working:
        yield Finding("ok", "runtimes", f"best first: {', '.join(working)}; {cores}")
    else:
        advice = "; ".join(one.advice for one in missing if backend(one.runtime).requirements.oldest is None)
        yield Finding("fault", "runtimes", f"none; {cores}", advice)
    if missing:
        faster = cards() and any(backend(availability.runtime).requirements.oldest for availability in missing)
        yield Finding("note" if faster else "ok", "other runtimes", reasons(missing))


def check_models() -> Iterator[Finding]:
    """Every model's files against the hashes in its card."""
    from engine.runtime.card import CardError, load_card

    folders = resources.models()
    if not folders:
        yield Finding("fault", "models", "none", f"expected them in one of {', '.join(str(root) for root in resources.roots())}")
    for folder in folders:
        try:
            card = load_card(folder)
            yield Finding("ok", f"model {folder.name}", f"{len(card.weights)} files as their hashes say")
        except CardError as error:
            yield Finding("fault", f"model {folder.name}", str(error), "restore the file, or reinstall")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_graphics,
    check_window,
    check_encoder,
    check_audio,
    check_midi,
    check_ports,
    check_memory,
    check_runtimes,
    check_models,
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The findings, as JSON.")
def command(as_json: bool) -> None:
    """Check graphics, sound, MIDI, ports, runtimes and models, and say what to do about each. Exit code 1 on a fault."""
    findings = [finding for check in CHECKS for finding in check()]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{finding.state:5}  {finding.about:14}  {finding.found}")
            if finding.advice:
                click.echo(f"{'':5}  {'':14}  -> {finding.advice}")
    if any(finding.state == "fault" for finding in findings):
        raise click.exceptions.Exit(1)
