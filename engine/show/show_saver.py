"""Keeps the running show as a folder, on a thread of its own: copying a model takes its time, and nobody waits for it."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from engine.core import resources
from engine.instrument.instrument import Instrument
from engine.show.background_task import BackgroundTask
from engine.show.options import PlayOptions
from engine.show.show_folder import SETTINGS, ShowFolder, save_show

Macros = Callable[[], list[list[str | int]]]


class ShowSaver:
    """`save` belongs to one thread. `macros` are the controllers that were given one; `say` is told what was kept or not."""

    def __init__(self, options: PlayOptions, instrument: Instrument, macros: Macros, say: Callable[[str], None]) -> None:
        self._options, self._instrument, self._macros, self._say = options, instrument, macros, say
        self._saving: BackgroundTask[None] = BackgroundTask("save show", lambda error: say(f"{error}; the show was not saved"))

    def save(self, folder: Path) -> None:
        """Keep the show as it stands now. Of saves asked for while one is written only the newest is written too."""
        published = self._instrument.published
        if published is None:
            self._say("expected a show that plays; got none yet; saved nothing")
            return
        patch, model, _ = published
        show = self._show(patch, model)
        audio = Path(self._options.audio)

        def write() -> None:
            save_show(folder, show, patch, resources.model_folder(model), audio if audio.is_file() else None)
            self._say(f"show saved: {folder}")

        self._saving.ask(write)

    def _show(self, patch: Path, model: str) -> ShowFolder:
        usual = PlayOptions()
        now = {item.name: getattr(self._options, item.name) for item in fields(self._options)}
        now |= {"patch": patch.stem, "model": model, "seed": self._instrument.player.seed}
        always = ("patch", "model", "audio", "seed")
        settings = {name: now[name] for name in SETTINGS if name in always or now[name] != getattr(usual, name)}
        return ShowFolder(settings, self._instrument.changed(), tuple(tuple(macro) for macro in self._macros()))
