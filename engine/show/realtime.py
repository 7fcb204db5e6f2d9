"""A performance in real time: the thread that draws, and what actions ask of it."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.audio import Source
from engine.control.patch import Patch, PatchError
from engine.control.patch_watcher import PatchWatcher
from engine.core.cuda import CudaError
from engine.core.types import Frame, Tick
from engine.instrument.instrument import RATE_HZ, Instrument, find_patch
from engine.outputs.filenames import Filenames
from engine.outputs.still import StillWriter
from engine.runtime.worker.process import GeneratorProcess
from engine.show.actions import RefusalCount, run_calls
from engine.show.analysis_thread import AnalysisThread
from engine.show.background_task import BackgroundTask
from engine.show.key_handler import KeyHandler
from engine.show.live_input import LiveInput
from engine.show.network_fade_in import NetworkFadeIn
from engine.show.outputs import OutputSet
from engine.show.recording import Recording
from engine.show.remotes import Remotes
from engine.show.status import RateMeter, operator_state
from engine.stage.colours import Colours
from engine.stage.frame_scheduler import FrameScheduler
from engine.stage.gl_context import is_software
from engine.stage.stage import Stage

if TYPE_CHECKING:  # a show without a window loads no GLFW
    from engine.windows.operator_window import OperatorWindow
    from engine.windows.output_window import OutputWindow

log = logging.getLogger("clavilux.show")
FADE_S = 2.0  # patch and model changes
NETWORK_PERIODS = 0.7  # between two latents for the network, in display periods: never the display waits for it
LAG_SHARE, LONGEST_LAG_S = 0.05, 0.25  # of a new measurement in the smoothed lag from sound to picture; one stall is not it
RELOAD_S = 0.5  # how often saved shaders are looked for
TELL_S = 1.0  # between two messages of the generator
DEAF_S = 3.0  # without a tick, though even a lost device has its clock: the analysis hangs
RECORD, LIVE = "/record", "/live"  # actions whose state is told
STALE_S = 0.1  # a tick older than this is drawn all the same, and counted


class RealtimeShow:
    """Draws until it is told to end: the only thread that touches GL. The analysis thread and the generator run beside it.

    `window` and `operator` are None without a display; `context` then is a headless one.
    """

    def __init__(
        self,
        instrument: Instrument,
        analysis_thread: AnalysisThread,
        generator: GeneratorProcess,
        context: Any,
        size: tuple[int, int],
        rate_hz: float,
        *,
        window: "OutputWindow | None" = None,
        operator: "OperatorWindow | None" = None,
        internal_size: tuple[int, int] | None = None,
        open_live: Callable[[], Source] | None = None,
        open_model: Callable[[str], GeneratorProcess] | None = None,
        on_frame: Callable[[Stage, Tick], None] | None = None,
        save_show: Callable[[Path], None] | None = None,
    ) -> None:
        self.instrument, self.analysis_thread, self.generator = instrument, analysis_thread, generator
        self.context, self.window, self.operator = context, window, operator
        self.stage = Stage(context, size, instrument.stage, instrument.passes, internal_size, instrument.limiter)
        self.rate_hz = min(rate_hz, 30.0) if is_software(context) else rate_hz
        analysis_thread.send_every_s = NETWORK_PERIODS / self.rate_hz
        self.messages: deque[str] = deque(maxlen=8)
        self.frames = 0
        self.shown, self.made = RateMeter(), RateMeter()  # frames, and network frames
        self.latency_s = 0.0  # from a sound to the network's picture of it
        self.panic_s = -math.inf  # time.monotonic() of the newest panic
        self.outputs = OutputSet(context, self.stage.output_size, self.rate_hz, RATE_HZ, paced=True, say=self.say)
        analysis_thread.on_sound = self.outputs.sound
        self.recording = Recording(self.outputs, lambda on: self._tell(RECORD, on), self.say)
        self.remotes: Remotes | None = None  # OSC and MIDI, where they are open
        self.colours: Colours | None = None  # for whoever follows them
        self.kept_up = 0  # frames drawn from a tick younger than DEAF_S: of a show that has stopped listening they stand still
        self.late = 0  # frames that came more than half a period after their time
        self.stale = 0  # frames drawn from a tick older than STALE_S: control was held up
        self._open_model, self._on_frame, self._save_show = open_model, on_frame, save_show
        self.refusals = RefusalCount(self.say)
        self._stills, self._names = StillWriter(self.say), Filenames(Path("out"))
        self._live_input = LiveInput(analysis_thread, open_live, self.say, lambda on: self._tell(LIVE, on))
        self._keys = KeyHandler(instrument.tree, self._let_in, self.end, self.refuse)
        self._panics = analysis_thread.panics
        self._fade_in = NetworkFadeIn()
        self._models: BackgroundTask[GeneratorProcess] = BackgroundTask(
            "next model", lambda error: self.say(f"{error}; kept {self.generator.info.name}")
        )
        self._watcher = PatchWatcher(instrument.player.patch.path, self._choose, self.say)
        self._incoming: GeneratorProcess | None = None  # a model being warmed beside the one that plays
        self._drawn = False  # the network has drawn
        self._changing = False  # the analysis thread was asked to make ticks for it
        self._opened_s, self._lag_s = time.monotonic(), 0.0
        self._told = ("", 0.0)  # of the generator: its newest message, and when
        self.waiting = False  # for the window system: for its events, or to swap
        self._ending = False

    def run(self, seconds: float | None = None) -> None:
        """Perform for `seconds`, or until the window is closed, quit is pressed, or the sound ends."""
        started = before = looked = time.monotonic()
        cadence = FrameScheduler(self.rate_hz, started)
        while not self._ending and not self.analysis_thread.ended and (seconds is None or time.monotonic() - started < seconds):
            now = time.monotonic()
            cadence.begin(now)
            self.analysis_thread.stirred.clear()
            tick = self.analysis_thread.ticks.get()
            self._serve_calls()
            if tick is not None:
                self._draw(tick, now - self._opened_s, now - before)
                before = now
            if now - looked > RELOAD_S:
                looked = now
                for message in self.stage.reload_changed():
                    self.say(message)
            if self.window is not None:
                self.waiting = True
                self._serve_window(self.window, tick)
                self.waiting = False
            self._pace(cadence)

    def say(self, message: str) -> None:
        """Tell the performer, never the audience. Any thread."""
        self.messages.append(f"{time.strftime('%H:%M:%S')} {message}")
        log.warning("%s", message)

    def refuse(self, message: str) -> None:
        """Count what hands asked in vain, and say it at most once a second."""
        self.refusals.refuse(message)

    def load_patch(self, name: str) -> None:
        """Cross-fade to another patch; one that cannot be played leaves the old one."""
        try:
            patch = find_patch(name)
            self.instrument.choose(patch)
        except (PatchError, OSError, LookupError, ValueError) as error:
            self.say(f"{error}; kept {self.instrument.player.patch.name}")
            return
        self._watcher.watch(patch.path)
        self.stage.crossfade(FADE_S)

    def load_model(self, name: str) -> None:
        """Warm another model beside the one that plays, then cross-fade to it; one that fails leaves the old one."""
        opened = self._open_model
        if opened is None or (name == self.generator.info.name and self._incoming is None and self._models.idle):
            return
        self.say(f"model {name}: warming")

        def make() -> GeneratorProcess:
            incoming = opened(name)
            incoming.start()
            return incoming

        self._models.ask(make)

    def end(self) -> None:
        """Leave `run` after the frame that is being drawn. Any thread, and signal handlers."""
        self._ending = True

    def close(self) -> None:
        """End the outputs, stop the threads and give the card back; the generator that plays ends too."""
        self._watcher.close()
        self.outputs.close()
        self.generator.close()
        if self._incoming is not None:
            self._incoming.close()
        self._stills.close()
        self._live_input.close()
        if self.colours is not None:
            self.colours.release()
        self.stage.close()

    def record(self, on: bool) -> None:
        """Write what is shown and heard to a new file from now on, or end that."""
        if on and self.recording.seconds is None:
            self.record_to(self._names.new(".mp4"))
        elif not on:
            self.recording.stop()

    def record_to(self, path: Path) -> None:
        """Write what is shown and heard to `path` from now on."""
        self.recording.start(path)

    def listen_live(self, on: bool) -> None:
        """Listen to the live input, or to the track again."""
        self._live_input.listen(on)

    def save_show(self, folder: Path) -> None:
        """Keep the show as it stands as a folder; one that was opened without a way to do so says that."""
        if self._save_show is None:
            self.refuse("expected a show that `clavilux play` has opened; got another; saved nothing")
        else:
            self._save_show(folder)

    def unassign_midi(self, macro: int) -> None:
        """Take a macro (0: all) back from the MIDI controllers that were given it, and say how many those were."""
        count = 0 if self.remotes is None else self.remotes.midi.give_back(macro)
        self.say(f"MIDI: {count} controllers gave their macros back; the next that is swept takes one")

    def save_still(self) -> None:
        """Write what is shown as PNG."""
        if self._stills.full:
            self.refuse("expected a still at a time; got more than can be written; kept those that wait")
        else:
            self._stills.save(self._names.new(".png"), self.stage.read())

    # --- one frame -----------------------------------------------------------------------------------------------------

    def _draw(self, tick: Tick, time_s: float, dt_s: float) -> None:
        age_s = time.monotonic() - tick.t_heard
        self.stale += age_s > STALE_S
        self.kept_up += age_s < DEAF_S
        if self.frames and dt_s > 1.5 / self.rate_hz:
            self.late += 1
        frame = self._newest_frame()
        if frame is not None and self._shows(frame):
            self.made.beat(frame.t_made)
            self.latency_s = time.monotonic() - frame.t_heard
        self._drawn = self._drawn or frame is not None
        shown = self._fade_in.step(tick, self._drawn, time_s)
        self.stage.draw(shown, time_s, dt_s)
        self.stage.adapt(self.stage.draw_ms, 1e3 / self.rate_hz)
        self.outputs.take(self.stage.output, time.monotonic())
        self.recording.poll()
        if self.colours is not None and self.remotes is not None and self.remotes.feed.wants("colours"):
            self.colours.push(self.stage.output, time.monotonic())
            self.remotes.colours = self.colours.colours
        if self._on_frame is not None:
            self._on_frame(self.stage, tick)
        self.frames += 1
        now = time.monotonic()
        self._tell_generator(now)
        self.shown.beat(now)
        lag_s = min(now - tick.t_heard, LONGEST_LAG_S)
        self._lag_s += LAG_SHARE * (lag_s - self._lag_s)
        self.instrument.latency_s = self._lag_s

    def _tell_generator(self, now_s: float) -> None:
        """What the generator says of itself, at most once a second: what it does takes its time, and says how far it is."""
        message = self.generator.status().message
        if message not in ("", self._told[0]) and now_s - self._told[1] > TELL_S:
            self._told = message, now_s
            self.say(message)

    def _shows(self, frame: Frame) -> bool:
        """Give a frame to the stage; one that cannot be had from the card is the last of its kind, and the picture is held."""
        try:
            self.stage.set_frame(frame)
        except CudaError as error:
            self.generator.refuse_gpu_frames(str(error))
            self.say(f"{error}; pictures go through the host's memory")
            return False
        return True

    def _newest_frame(self) -> Frame | None:
        if not self._changing and (made := self._models.take()) is not None:
            if self._incoming is not None:
                end_later(self._incoming)
            self._incoming = made
        incoming = self._incoming
        if incoming is not None:
            if self.analysis_thread.send == incoming.send:
                self._take_model(incoming)
            elif self.analysis_thread.model_refused:
                self.say(f"{self.analysis_thread.model_refused}; kept {self.generator.info.name}")
                self.analysis_thread.model_refused, self._changing, self._incoming = "", False, None
                end_later(incoming)
            elif not self._changing:
                status = incoming.status()
                if status.state == "failed":
                    self.say(f"{status.message}; kept {self.generator.info.name}")
                    end_later(incoming)
                    self._incoming = None
                elif status.state in ("warm", "playing"):
                    self._changing = True
                    self.analysis_thread.change_model(incoming.info, incoming.send)
        return self.generator.poll()

    def _take_model(self, incoming: GeneratorProcess) -> None:
        old, self.generator, self._incoming, self._changing = self.generator, incoming, None, False
        self.stage.crossfade(FADE_S)
        end_later(old)
        patch = self.instrument.player.patch  # another one, where the old one does not know the model's classes
        self._watcher.watch(patch.path)
        self.say(f"model {incoming.info.name}, played by {patch.name}")

    def _pace(self, cadence: FrameScheduler) -> None:
        """Wait until the next frame is due; a display that waits for its own refresh leaves nothing to wait for."""
        wait = cadence.due_s - time.monotonic()
        swap_waits = self.window is not None and self.window.refresh_hz <= 1.1 * self.rate_hz and wait <= 0.5 * cadence.period_s
        if wait <= 0.0 or swap_waits or not self.analysis_thread.stirred.wait(wait):
            return
        cadence.hasten()
        wait = cadence.due_s - time.monotonic()
        if wait > 0.0:
            time.sleep(wait)

    def _choose(self, patch: Patch) -> None:
        self.instrument.choose(patch)
        self.say(f"{patch.path.name}: loaded")

    # --- keys and the operator -----------------------------------------------------------------------------------------

    def _serve_window(self, window: "OutputWindow", tick: Tick | None) -> None:
        for command in window.poll():
            self._keys.handle(command)
        if window.resized:
            self.stage.resize(window.size)
            self.outputs.resize(self.stage.output_size)
        window.show(self.stage.output)
        if window.should_close:
            self._ending = True
        if self.operator is not None:
            if self.operator.should_close:
                self.operator.close()
                self.operator = None
            else:
                self.operator.draw(self.stage.output.color_attachments[0], operator_state(self, tick, self.remotes))

    def _serve_calls(self) -> None:
        if self._panics != self.analysis_thread.panics:
            self._panics, self.panic_s = self.analysis_thread.panics, time.monotonic()
            self.stage.forget()
        run_calls(self.analysis_thread.calls, self.instrument.tree, self)
        self._live_input.poll()

    def _tell(self, address: str, on: bool) -> None:
        """What an action's query is answered with."""
        self.instrument.tree.set_state(address, on)

    def _let_in(self) -> None:
        if self.remotes is not None:
            self.remotes.let_in()


def end_later(generator: GeneratorProcess) -> None:
    """Close a generator beside the show: it may take a second to end."""
    threading.Thread(target=generator.close, name="old generator", daemon=True).start()
