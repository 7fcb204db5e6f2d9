"""`clavilux play`: perform in real time."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from engine.commands.performance import PerformanceCommand, check_outputs, check_params, open_show, performance_options
from engine.commands.render import FILM_HZ, with_film
from engine.commands.resuming import as_resumed
from engine.commands.shared import Between, complete_patch, usual_patch
from engine.show.options import PlayOptions

EPILOG = """\b
Examples:
  clavilux play                                      the demo track through the default patch
  clavilux play --audio default                      the microphone or line input
  clavilux play --audio 'USB Audio:1-2=main,3=kick'  named inputs of one device
  clavilux play tidal --audio song.flac --seed 7    another patch, a file, another path
  clavilux play --headless --output mjpeg:8090       no window here, in browsers instead
  clavilux play --latent.truncation 0.6 --macro.2 0.8            parameters (see `clavilux params`)
  clavilux play --show friday                        a show as `/show/save friday` kept it
  clavilux play --resume                             as the last show was left

In the output window: 1-9 patches, I live input, F freeze, B blackout, P panic, H all keys, Esc twice ends.
For a film of a song, frame by frame: clavilux render."""


def without_the_users(options: PlayOptions) -> PlayOptions:
    """Safe mode: what is shown is the bundled default; sound, hands and outputs stay as they were asked for."""
    plain = PlayOptions()
    return replace(
        options, patch=plain.patch, model=plain.model, runtime=plain.runtime, frames="host", params=(), resume=False, safe=True
    )


@click.command(cls=PerformanceCommand, epilog=EPILOG)
@click.argument("patch", required=False, shell_complete=complete_patch)
@click.option(
    "--audio",
    default="demo",
    metavar="SOURCE",
    show_default=True,
    help="demo, synthetic, none, default, a file, or a device (DEVICE:1-2=main,3=kick; see `clavilux devices`).",
)
@click.option("--from", "from_s", type=Between(0), default=0.0, metavar="SECONDS", help="Where an audio file begins.")
@click.option("--loop/--once", default=True, help="Play an audio file again from its start, or end with it.")
@click.option(
    "--frames",
    type=click.Choice(("auto", "card", "host")),
    default="auto",
    show_default=True,
    help="Whether the network's pictures stay on the graphics card; auto as `clavilux bench transfer` has measured, else host.",
)
@performance_options
@click.option("--fps", type=Between(1, 240), default=60.0, show_default=True, help="Display frames a second, at most.")
@click.option("--fullscreen", is_flag=True, help="Fill the monitor; stays when the focus leaves.")
@click.option("--monitor", default="", metavar="NAME", help="The monitor whose name holds NAME.")
@click.option("--headless", is_flag=True, help="Without a window: for outputs, recordings and measurements.")
@click.option("--realtime", is_flag=True, hidden=True, help="As --headless always is; kept for scripts.")
@click.option("--film", is_flag=True, hidden=True, help="Instead of a window, a film: `make play` where none can be opened.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write what is shown and heard to FILE (.mp4, .m4v, .mov, .mkv), while it plays.",
)
@click.option("--osc-bind", default="127.0.0.1:9000", metavar="HOST:PORT", show_default=True, help="Listen for OSC here, or off.")
@click.option("--osc-tcp", default="", metavar="HOST:PORT", help="Listen for OSC over TCP (SLIP) as well.")
@click.option("--osc-allow", multiple=True, metavar="HOST", help="Let another machine's OSC in; this one's always is.")
@click.option("--osc-out", multiple=True, metavar="HOST:PORT", help="Send what is heard and shown there, as OSC.")
@click.option(
    "--osc-timetags",
    type=click.Choice(("ignore", "honour")),
    default="ignore",
    show_default=True,
    help="Whether OSC bundles wait for the time they carry: senders' clocks are often wrong.",
)
@click.option(
    "--midi", default="auto", metavar="PORT", show_default=True, help="MIDI inputs: auto is all, off, or part of a name."
)
@click.option("--resume", is_flag=True, help="Take back what the last show left: patch, model, all that hands set.")
@click.option("--safe", is_flag=True, help="Nothing of yours: the bundled patch, model and shaders, no parameters.")
@click.option(
    "--unsupervised", is_flag=True, help="For developers: one process, which is not started again when it crashes or hangs."
)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    assets: Path | None,
    headless: bool,
    realtime: bool,
    film: bool,
    fps: float,
    settings: tuple[tuple[str, str], ...],
    unsupervised: bool,
    **given: Any,
) -> None:
    """Perform PATCH to sound, in real time. Every parameter is a flag too: --latent.truncation 0.6 sets /latent/truncation."""
    from engine.core import resources
    from engine.guard.launch_environment import NO_DISPLAY, LaunchEnvironment

    launch = LaunchEnvironment.take()
    if given["resume"] and given["safe"]:
        raise click.UsageError("expected --resume or --safe; got both")
    film = film and not headless
    if launch is None and not unsupervised and not film and (headless or may_have_display()):
        from engine.guard.supervisor import supervise

        ctx.exit(supervise(ctx.meta["words"], given["seconds"], given["resume"], given["safe"]))
    from engine.guard.supervised_show import SupervisedShow

    safe = given["safe"] or (launch is not None and launch.safe)
    given["fps"] = fps
    show = None
    if safe:
        resources.use_shipped_alone()
        given["show"] = ""
    else:
        if assets is not None:
            resources.add_assets(assets)
        show = open_show(ctx, given)
    if not headless and not film:
        check_display(ctx, launch.life if launch is not None else 0, NO_DISPLAY)
    if safe:  # what was named may be broken, or not be there any more
        given |= {"patch": PlayOptions().patch, "model": PlayOptions().model}
    patch_named = given["patch"]
    given["patch"] = patch_named or usual_patch(given["model"])
    mode, rate_hz, params = "headless" if headless else "window", given.pop("fps"), (*ctx.meta["params"], *settings)
    options = PlayOptions(mode=mode, rate_hz=rate_hz, params=params, **given)
    if safe:
        options = without_the_users(options)
    if film:
        slow = ctx.get_parameter_source("fps") is ParameterSource.DEFAULT
        options = with_film(replace(options, mode="film", rate_hz=FILM_HZ if slow else rate_hz), patch_named)
    supervised = None if film else SupervisedShow(launch, options.resume, safe)
    named = (name for name in ("patch", "model", "seed") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    if supervised is not None:
        options = as_resumed(options, supervised, frozenset(named))
    if show is not None:
        flags = {address for address, _ in params}
        bases = {address: value for address, value in show.parameters.items() if address not in flags}
        options = replace(options, bases=bases, midi_macros=show.midi_macros)
    check_params(options.params, options.patch, options.model)
    check_outputs(options.outputs, options.record)
    from engine.instrument.instrument import find_patch
    from engine.show.perform import perform

    if film:
        find_patch(options.patch)
        click.echo(
            f"clavilux: no window can be opened here: a film instead{f', {options.record}' if options.record else ''}", err=True
        )
    perform(options, supervised)


def check_display(ctx: click.Context, life: int, no_display: int) -> None:
    """End where a window cannot be opened: a show that comes back after a crash is then waited for by its supervisor."""
    from engine.windows.display import displays_available

    available, reason = displays_available()
    if not available and life > 0:
        ctx.exit(no_display)
    if not available:
        ways = "`clavilux play --headless` performs without a window, `clavilux render` makes a film"
        raise click.UsageError(f"{reason}; {ways}")


def may_have_display() -> bool:
    """Whether it is worth to try: told without loading what opens windows."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
