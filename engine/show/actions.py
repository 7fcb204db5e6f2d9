"""What hands ask of the show as a whole: keys here, and OSC, MIDI and keys alike by way of the tree."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.audio import Source
from engine.core import resources
from engine.core.types import Change
from engine.instrument.show_params import LIVE, LOAD_MODEL, LOAD_PATCH, PANIC, RECORD, SHOT
from engine.outputs.filenames import Filenames
from engine.outputs.still import StillWriter
from engine.show.background import Background
from engine.windows.keys import Action


class Actions:
    """Does what is asked of `show`, a RealtimeShow. Belongs to the thread that draws, and never makes it wait."""

    def __init__(self, show: Any, open_live: Callable[[], Source] | None) -> None:
        self.refused = 0  # what hands asked in vain
        self._show, self._open_live = show, open_live
        self._stills, self._names = StillWriter(show.say), Filenames(Path("out"))
        self._track: Source = show.analysis_thread.source
        self._live: Source | None = None
        self._lives: Background[Source] = Background("live input", self._no_live)
        self._refused_s = -math.inf

    def act(self, action: Action) -> None:
        """What a key asks: most of it by way of the tree, where OSC and MIDI ask too."""
        if action.name.startswith("/"):
            self._press(action)
        elif action.name == "patch":
            number = int(action.value or 0)
            if number <= len(patches()):
                self._show.instrument.tree.post(LOAD_PATCH, patches()[number - 1].stem)
        elif action.name == "model":
            shelf = [path.name for path in resources.models()]
            at = shelf.index(self._show.generator.info.name) if self._show.generator.info.name in shelf else -1
            self._show.instrument.tree.post(LOAD_MODEL, shelf[(at + 1) % len(shelf)])
        elif action.name == "allow" and self._show.remotes is not None:
            self._show.remotes.let_in()
        elif action.name == "quit":
            self._show.end()

    def _press(self, action: Action) -> None:
        tree = self._show.instrument.tree
        leaf = tree.leaf(action.name)
        if action.step:
            tree.post(action.name, float(leaf.base) + (action.value or 0.0), action.t)
        elif action.value is not None:
            tree.post(action.name, action.value, action.t)
        else:
            tree.post(action.name, leaf.param.kind == "trigger" or not leaf.base, action.t)

    def serve(self) -> None:
        asked = self._show.analysis_thread.asked
        # Single steps of the interpreter, beside the thread that puts in: nothing is lost.
        changes = [asked.popitem()[1] for _ in range(len(asked))]
        for change in reversed(changes):
            self._answer(change)
        show = self._lives.take()
        if show is not None:
            self._live = show
            if self._show.instrument.tree.leaf(LIVE).base:
                self._show.analysis_thread.switch(show)

    def _answer(self, change: Change) -> None:
        """What a hand asked of the show as a whole, from wherever it came."""
        if change.address == PANIC:
            self._show.panic_s = time.monotonic()
            self._show.stage.forget()
        elif change.address == LOAD_PATCH:
            self._load(str(change.value), "patch", [path.stem for path in patches()], self._show.choose)
        elif change.address == LOAD_MODEL:
            self._load(str(change.value), "model", [path.name for path in resources.models()], self._show.change_model)
        elif change.address == SHOT:
            self._stills.save(self._names.new(".png"), self._show.stage.read())
        elif change.address == RECORD and bool(change.value) != (
            self._show.recording.seconds is not None
        ):  # or it is our own word
            if change.value:
                self._show.record(self._names.new(".mp4"))
            else:
                self._show.stop_recording()
        elif change.address == LIVE:
            self._listen_live(bool(change.value))

    def _load(self, name: str, kind: str, shelf: list[str], load: Callable[[str], None]) -> None:
        """Only what is on the shelf: a name from outside must not become a path."""
        if name in shelf:
            load(name)
        else:
            self._refuse(f"expected a {kind}, one of {', '.join(shelf)}; got {name[:80]!r}; kept what plays")

    def _listen_live(self, show: bool) -> None:
        if not show:
            if self._show.analysis_thread.source is not self._track:
                self._show.analysis_thread.switch(self._track)
        elif self._live is not None:
            self._show.analysis_thread.switch(self._live)
        elif self._open_live is not None:
            self._lives.ask(self._open_live)

    def _no_live(self, error: Exception) -> None:
        self._show.say(f"{error}; kept {self._track.status().name}")
        self._show.instrument.tree.post(LIVE, False)

    def _refuse(self, message: str) -> None:
        """Count what hands ask in vain, and say it at most once a second: a controller may ask in vain a thousand times."""
        self.refused += 1
        now = time.monotonic()
        if now - self._refused_s > 1.0:
            self._refused_s = now
            self._show.say(message)

    def close(self) -> None:
        """Write the stills that wait, and close what is listened to."""
        self._stills.close()
        for source in {id(item): item for item in (self._track, self._live, self._show.analysis_thread.source) if item}.values():
            source.close()


def patches() -> list[Path]:
    """The shelf as it is now: patches are written while the show plays."""
    return list(resources.listing("patches", "*.toml"))
