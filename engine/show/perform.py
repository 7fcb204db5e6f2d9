"""Wires the stages; the whole dataflow on one page.

source -> analysis -> control -> latent ----------------------> generator process
(analysis thread, once a hop)   |  one Tick, newest wins             | one Frame, newest wins
                                v                                    v
                             stage: passes move the picture, limiter -> window, outputs
                             (main thread, once a display frame)
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

from engine.audio import Source, open_source
from engine.audio.metronome import Metronome
from engine.core import resources
from engine.core.registry import names
from engine.guard.journal import SWITCHED_ON
from engine.guard.supervised_show import SupervisedShow
from engine.instrument.instrument import HOP, RATE_HZ, Instrument, find_patch
from engine.outputs.filenames import unused
from engine.outputs.film import FilmSink
from engine.outputs.sink import Sink, make_sink
from engine.runtime.nvidia import cards
from engine.runtime.worker.process import GeneratorProcess
from engine.show.analysis_thread import AnalysisThread
from engine.show.film import film
from engine.show.options import DEMO, TEMPO, TRACK, PlayOptions
from engine.show.realtime import RealtimeShow
from engine.show.remotes import MIDI_MACROS, Remotes
from engine.show.show_saver import ShowSaver
from engine.show.status import figures
from engine.stage import transfer_choice
from engine.stage.colours import Colours

if TYPE_CHECKING:
    from engine.windows.output_window import OutputWindow

log = logging.getLogger("clavilux.show")
TITLE = "Clavilux"
DEMO_TRACK = "demo/first-light.ogg"
SWITCH_S = 0.001  # a busy drawing thread hands the GIL to the analysis thread this soon


def perform(options: PlayOptions, supervised: SupervisedShow | None = None) -> None:
    """One performance, from opening to closing. Raises OSError, ValueError or LookupError for what cannot be had.

    `watched` keeps the state of a show in real time, and has what a crashed one left.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=terminal())
    patch = find_patch(options.patch)
    generator = open_model(options.model, options.runtime, patient=options.mode == "film", on_gpu=stays_on_gpu(options))
    with ExitStack() as stack:
        stack.callback(generator.close)
        generator.start()  # it warms while everything else opens
        source = open_again(options, supervised) if supervised is not None and options.lenient else open_first(options)
        instrument = Instrument(patch, generator.info, source.inputs, options.seed, options.params)
        if options.mode == "film":
            stack.callback(source.close)
            make_film(options, instrument, source, generator)
        else:
            play_realtime(options, instrument, source, generator, stack, supervised)


def terminal() -> TextIO:
    """Standard error by a number of its own: whenever PortAudio looks for devices, the system's is silenced for a moment."""
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, errors="replace")
    except (OSError, ValueError):  # there is none, or it is no file
        return sys.stderr


def open_model(name: str, runtime: str, patient: bool = False, on_gpu: bool = False) -> GeneratorProcess:
    """The generator of a model, named or in a folder, not yet started; `patient` waits for the best runtime."""
    return GeneratorProcess(resources.model_folder(name), runtime, patient=patient, on_gpu=on_gpu)


def stays_on_gpu(options: PlayOptions) -> bool:
    """Whether the network's pictures stay on the card. Of a film they do not: nothing hurries it."""
    if options.frames == "card" and not cards():
        log.warning("expected an NVIDIA card for --frames card; got none: pictures go through the host's memory")
    return options.mode != "film" and transfer_choice.on_gpu(options.frames, cards()[0].name if cards() else "")


def open_first(options: PlayOptions) -> Source:
    """The sound that the user asked for. Raises OSError or ValueError."""
    film = options.mode == "film"
    loop = options.loop and (not film or options.seconds is not None)
    return open_sound(options.audio, loop, not film, options.seed, options.from_s)


def open_again(options: PlayOptions, supervised: SupervisedShow) -> Source:
    """The same after a crash, whatever has become of it meanwhile: silence, which is told, is better than darkness."""
    try:
        source = open_sound(options.audio, options.loop, True, options.seed, options.from_s, awaited=True)
    except Exception as error:
        supervised.messages.append(f"{error}; plays on in silence")
        return open_sound("none", True, True, options.seed)
    status = source.status()
    if status.lost:
        supervised.messages.append(status.fault or f"{options.audio} is away: silence until it is back")
    return source


def open_sound(spec: str, loop: bool, paced: bool, seed: int, from_s: float = 0.0, awaited: bool = False) -> Source:
    """The source that `--audio` names; a device that is `awaited` need not be there yet."""
    if spec == DEMO:
        spec = str(resources.find("patches", DEMO_TRACK))
    return open_source(spec, rate_hz=RATE_HZ, hop=HOP, loop=loop, paced=paced, seed=seed, from_s=from_s, awaited=awaited)


def asked_outputs(outputs: Sequence[str]) -> list[Sink]:
    """The sinks that `--output` asks for, films last: none is written over for a show that cannot begin."""
    return sorted(map(make_sink, outputs), key=lambda sink: isinstance(sink, FilmSink))


def make_film(options: PlayOptions, instrument: Instrument, source: Source, generator: GeneratorProcess) -> None:
    """Film mode, and the contact sheet beside it."""
    from engine.outputs.contact_sheet import contact_sheet

    started = time.monotonic()
    for message in instrument.restore(options.bases):
        log.warning("%s", message)
    sinks = asked_outputs(options.outputs)
    films = [sink.path for sink in sinks if isinstance(sink, FilmSink)]
    if options.record is not None:
        sinks.append(FilmSink(options.record))
        films.insert(0, options.record)
    path = films[0]
    frames = film(
        instrument,
        source,
        generator,
        sinks,
        options.size,
        options.rate_hz,
        options.seconds,
        internal_size(options),
        say=log.info,
        cues=options.cues,
    )
    sheet = unused(path.with_suffix(".png"))  # what lies beside a film may be anybody's
    contact_sheet(path, sheet)
    log.info("%s: %d frames, nothing dropped, in %.0f s; contact sheet %s", path, frames, time.monotonic() - started, sheet)


def internal_size(options: PlayOptions) -> tuple[int, int]:
    """The size at which a film's passes are drawn: all there is on a card, 640 pixels wide where the processor draws."""
    from engine.stage.gl_context import headless_context, is_software

    context = headless_context()
    software = is_software(context)
    context.release()
    width, height = options.size
    scale = min(1.0, 640 / width) if software else 1.0
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def play_realtime(
    options: PlayOptions,
    instrument: Instrument,
    source: Source,
    generator: GeneratorProcess,
    stack: ExitStack,
    supervised: SupervisedShow | None = None,
) -> None:
    """Window and headless mode, in real time."""
    sys.setswitchinterval(SWITCH_S)
    for kind in ("controller", "mover", "mixer", "input"):
        names(kind)  # the next patch may name another, and a package may take its time to be imported
    window = operator = None
    if options.mode == "window":
        from engine.windows.display import DisplayError
        from engine.windows.operator_window import OperatorWindow

        window = open_window(options, [] if supervised is None else supervised.messages)
        stack.callback(window.close)
        try:
            operator = OperatorWindow(window)
            stack.callback(operator.close)
        except DisplayError as error:
            log.warning("%s; kept playing without the operator's window", error)
        context, size = window.context, window.size
    else:
        from engine.stage.gl_context import headless_context

        context, size = headless_context(), options.size
        stack.callback(context.release)
    analysis_thread = AnalysisThread(instrument, source, generator.send)
    stack.callback(analysis_thread.close)
    show = RealtimeShow(
        instrument,
        analysis_thread,
        generator,
        context,
        size,
        options.rate_hz,
        window=window,
        operator=operator,
        open_live=lambda: open_sound("default", False, True, options.seed, awaited=options.lenient),
        open_model=lambda name: open_model(name, options.runtime, on_gpu=stays_on_gpu(options)),
        save_show=lambda folder: saver.save(folder),
    )
    stack.callback(show.close)
    remotes = Remotes(options, instrument, show.say, lambda: figures(show))
    stack.callback(remotes.close)
    show.remotes, show.colours = remotes, Colours(context)
    saver = ShowSaver(options, instrument, remotes.midi.bindings.state, show.say)
    metronome = Metronome()  # for whoever calibrates
    stack.callback(metronome.close)
    analysis_thread.followers += [remotes.follow, metronome.follow]
    for message in instrument.restore(options.bases):
        show.say(message)
    remotes.restore({MIDI_MACROS: [list(macro) for macro in options.midi_macros]})
    if supervised is not None:
        stack.push(supervised)  # first of all: what is closed after it may take its time
        remotes.restore(supervised.parts)
        if supervised.saved is not None:
            for message in instrument.transport.restore(supervised.parts.get(TEMPO, {})):
                show.say(message)
        parts: dict[str, Callable[[], object]] = {
            TEMPO: instrument.transport.state,
            TRACK: lambda: int(source.status().position_s),
            SWITCHED_ON: instrument.switched_on,
        }
        supervised.begin(show, {**remotes.parts(), **parts})
    for sink in asked_outputs(options.outputs):
        (show.outputs.add_again if options.lenient else show.outputs.add)(sink)
    if options.record is not None:
        show.record_to(options.record)
    analysis_thread.start()
    show.run(options.seconds)
    log.info("%d frames shown", show.frames)


def open_window(options: PlayOptions, messages: list[str]) -> "OutputWindow":
    """The window that the audience sees; a show that comes back after a crash takes another monitor if its own is away.

    Raises DisplayError.
    """
    from engine.windows.display import DisplayError
    from engine.windows.output_window import OutputWindow

    try:
        return OutputWindow(options.size, TITLE, options.monitor or None, options.fullscreen)
    except DisplayError as error:
        if not (options.lenient and options.monitor):
            raise
        window = OutputWindow(options.size, TITLE)  # not over all of what may be the performer's own
        window.await_monitor(options.monitor, options.fullscreen)
        messages.append(f"{error}; shown in a window until it is there")
        return window
