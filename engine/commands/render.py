"""`clavilux render`: a film of a song, frame by frame."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from engine.commands.performance import (
    PerformanceCommand,
    check_outputs,
    check_params,
    made_outputs,
    open_show,
    performance_options,
)
from engine.commands.shared import Between, complete_patch, usual_patch
from engine.show.options import DEMO, PlayOptions

EPILOG = """\b
Examples:
  clavilux render                                   the demo track, into out/first-light.mp4
  clavilux render --patch tidal                     the same with another patch, into out/first-light-tidal.mp4
  clavilux render song.flac -o film.mp4 --patch tidal --size 1920x1080
  clavilux render song.flac --at 30 "/patch/load tidal" --at 42.5 "/macro/1 0.9"
  clavilux render song.flac --show friday           with a show's patch, model and parameters"""

FILM_HZ = 30.0  # frames a second where none are asked for
DEMO_TITLE = "first-light"  # of the track


@click.command(cls=PerformanceCommand, epilog=EPILOG)
@click.argument("song", required=False, metavar="[SONG]")
@click.option(
    "-o", "record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="The film: .mp4, .m4v, .mov or .mkv."
)
@click.option("--patch", metavar="PATCH", shell_complete=complete_patch, help="The patch; the usual one of the model by default.")
@click.option("--from", "from_s", type=Between(0), default=0.0, metavar="SECONDS", help="Where in the song the film begins.")
@click.option("--fps", type=Between(1, 240), default=FILM_HZ, show_default=True, help="Frames a second.")
@click.option(
    "--at",
    "cues",
    nargs=2,
    type=(Between(0), str),
    multiple=True,
    metavar="SECONDS TEXT",
    help='Set a parameter or call an action then, as in --at 30 "/patch/load tidal"; may be repeated.',
)
@performance_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    song: str | None,
    record: Path | None,
    assets: Path | None,
    fps: float,
    settings: tuple[tuple[str, str], ...],
    **given: Any,
) -> None:
    """Make a film of SONG (a file, demo, synthetic or none), frame by frame: nothing is dropped, however long it takes.

    Every parameter is a flag too, as of `clavilux play`. Nothing is heard from outside: for OSC and MIDI, play.
    """
    from engine.core import resources

    if assets is not None:
        resources.add_assets(assets)
    given |= {"fps": fps, "audio": song or DEMO}
    show = open_show(ctx, given)
    if ctx.get_parameter_source("outputs") is not ParameterSource.COMMANDLINE:
        given["outputs"] = ()  # a show's are those of its concert, whose recording this would write over
    audio = song or given.pop("audio")
    given.pop("audio", None)
    named = given["patch"]
    given["patch"] = named or usual_patch(given["model"])
    params = (*ctx.meta["params"], *settings)
    options = PlayOptions(mode="film", audio=audio, rate_hz=given.pop("fps"), params=params, **given)
    options = with_film(replace(options, record=record), named)
    if show is not None:
        flags = {address for address, _ in params}
        options = replace(options, bases={at: value for at, value in show.parameters.items() if at not in flags})
    check_params(options.params, options.patch, options.model)
    check_outputs(options.outputs, options.record)
    from engine.show.perform import perform

    perform(options)


def with_film(options: PlayOptions, patch: str | None) -> PlayOptions:
    """The same with a film: one of its own unless one is asked for. `patch` is what the user named, if anything."""
    from engine.outputs.film import FilmSink

    if options.record is None and not any(isinstance(sink, FilmSink) for sink in made_outputs(options.outputs)):
        return replace(options, record=default_film(options.audio, patch))
    return options


def default_film(audio: str, patch: str | None) -> Path:
    """A new file named after what is heard and, if a patch was named, shown."""
    from engine.outputs.filenames import unused

    heard = DEMO_TITLE if audio == DEMO else Path(audio).stem
    words = [heard] if patch is None or Path(patch).stem == heard else [heard, Path(patch).stem]
    return unused(Path("out") / f"{'-'.join(words)}.mp4")
