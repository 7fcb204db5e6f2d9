"""`clavilux play`: perform."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from engine.commands.shared import (
    Between,
    RuntimeOption,
    complete_model,
    complete_patch,
    flag_of,
    read_size,
    split_flags,
    tree_of,
    usual_patch,
)
from engine.show.options import DEFAULT_FILM, TRACK, PlayOptions

if TYPE_CHECKING:
    from engine.guard.supervised_show import SupervisedShow

LONGEST_S = 1e7  # of a track: nobody plays on from beyond it

EPILOG = """\b
Examples:
  clavilux play                                      the demo track through the default patch
  clavilux play --audio default                      the microphone or line input
  clavilux play --audio 'USB Audio:1-2=main,3=kick'  named inputs of one device
  clavilux play tidal --audio song.flac --seed 7    another patch, a file, another path
  clavilux play --audio song.flac --record show.mp4 --headless   a film, nothing dropped
  clavilux play --output mjpeg:8090                  in browsers on this machine too
  clavilux play --latent.truncation 0.6 --macro.2 0.8            parameters (see `clavilux params`)
  clavilux play --resume                             as the last show was left

In the output window: 1-9 patches, I live input, F freeze, B blackout, P panic, H all keys, Esc twice ends."""


class Play(click.Command):
    """Takes every parameter as a flag: `--walk.jitter 0.3` is /walk/jitter; click sees the rest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        rest, given = split_flags(args)
        ctx.meta["words"], ctx.meta["params"] = tuple(args), given
        return super().parse_args(ctx, rest)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("--"):
            model = ctx.params.get("model") or PlayOptions().model
            tree = tree_of(ctx.params.get("patch") or usual_patch(model), model)
            found += [CompletionItem(flag_of(address)) for address in tree if flag_of(address).startswith(incomplete)]
        return found


def check_params(given: tuple[tuple[str, str], ...], patch: str, model: str) -> None:
    """Before anything is started: refuse what is no parameter, or not its kind of value. Raises click.UsageError."""
    if not given:
        return
    tree = tree_of(patch, model)
    for address, text in given:
        try:
            tree.leaf(address).param.parse(text)
        except (LookupError, ValueError) as error:
            raise click.UsageError(f"{address}: {error}, from the command line; see `clavilux params {patch}`") from None


def check_outputs(outputs: tuple[str, ...], record: Path | None) -> None:
    """Before anything is started: refuse an output that is none, or is there twice. Raises click.UsageError."""
    if not outputs:
        return
    from engine.outputs.sink import make_sink

    try:
        titles = [make_sink(text).title for text in outputs] + ([] if record is None else [str(record)])
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for title in titles:
        if titles.count(title) > 1:
            raise click.UsageError(f"expected different outputs; got {title} twice")


def as_resumed(options: PlayOptions, supervised: "SupervisedShow", named: frozenset[str]) -> PlayOptions:
    """`options` as the supervisor and the journal want them. `named` are those that the user gave on the command line.

    A show that was started with `--resume` plays what is named; one that comes back after a crash plays what it played.
    """
    launch = supervised.launch
    again = launch.life > 0
    options = replace(options, seconds=options.seconds if launch.left_s is None else launch.left_s, again=again)
    if again and options.record is not None:
        options = replace(options, record=unused(options.record))  # what was recorded before the crash stays
    saved = supervised.saved
    if saved is None:
        return options
    if again and not saved.bases.get("/record", True):  # it had been ended by hand
        options = replace(options, record=None)
    at_s = saved.parts.get(TRACK)
    if again and isinstance(at_s, int | float) and options.from_s < at_s < LONGEST_S:
        options = replace(options, from_s=float(at_s))
    bases = dict(saved.bases)
    from engine.core import resources
    from engine.instrument.instrument import find_patch

    try:
        patch = find_patch(saved.patch)
        usual = "model" not in named or options.patch == PlayOptions().patch  # another model may be played by one of its own
        if again or ("patch" not in named and usual):
            options = replace(options, patch=saved.patch)
        elif not find_patch(options.patch).path.samefile(patch.path):
            bases.clear()
            supervised.messages.append(
                f"{options.patch} plays as saved: the parameters left by the last show are of {saved.patch}"
            )
    except (OSError, ValueError, LookupError) as error:
        supervised.messages.append(f"{error}; {options.patch} plays instead")
    if again or "model" not in named:
        try:
            resources.model_folder(saved.model)
            options = replace(options, model=saved.model)
        except OSError as error:
            supervised.messages.append(f"{error}; {options.model} plays instead")
    if again:
        tree = tree_of(options.patch, options.model) if options.params else ()
        return replace(options, params=tuple(item for item in options.params if item[0] in tree))
    # Another day's recording is not gone on with.
    given = {"/record", *named_now(options), *(f"/{name}" for name in named)}
    supervised.saved = replace(saved, bases={address: value for address, value in bases.items() if address not in given})
    return options


def named_now(options: PlayOptions) -> set[str]:
    """The addresses of the parameters on the command line, by the names that they have now."""
    if not options.params:
        return set()
    tree = tree_of(options.patch, options.model)
    return {tree.leaf(address).address if address in tree else address for address, _ in options.params}


def without_the_users(options: PlayOptions) -> PlayOptions:
    """Safe mode: what is shown is the bundled default; sound, hands and outputs stay as they were asked for."""
    plain = PlayOptions()
    return replace(
        options, patch=plain.patch, model=plain.model, runtime=plain.runtime, frames="host", params=(), resume=False, safe=True
    )


def unused(path: Path) -> Path:
    """`path`, numbered if there is a file already: show.mp4, show-2.mp4, ..."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


@click.command(cls=Play, epilog=EPILOG)
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
    "--model",
    default="light",
    metavar="MODEL",
    shell_complete=complete_model,
    show_default=True,
    help="A model of `clavilux models`, or a folder with one.",
)
@click.option(
    "--runtime",
    default="auto",
    metavar="RUNTIME",
    show_default=True,
    cls=RuntimeOption,
    help="What executes the network: {runtimes}; auto: the best that is ready.",
)
@click.option(
    "--frames",
    type=click.Choice(("auto", "card", "host")),
    default="auto",
    show_default=True,
    help="Whether the network's pictures stay on the graphics card; auto as `clavilux bench transfer` has measured, else host.",
)
@click.option("--size", default="1280x720", metavar="WxH", callback=read_size, show_default=True, help="Size of the output.")
@click.option("--fps", type=Between(1, 240), help="Display frames a second: 60, and 30 in a film.")
@click.option("--fullscreen", is_flag=True, help="Fill the monitor; stays when the focus leaves.")
@click.option("--monitor", default="", metavar="NAME", help="The monitor whose name holds NAME.")
@click.option("--headless", is_flag=True, help="No window: a film, frame by frame, nothing dropped.")
@click.option("--realtime", is_flag=True, help="With --headless: perform in real time, as on stage.")
@click.option("--seconds", type=Between(0, min_open=True), metavar="N", help="End after N seconds, with exit code 0.")
@click.option(
    "--record",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write picture and sound to FILE (.mp4, .m4v, .mov).",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="NAME:TARGET",
    help="Another output, may be repeated: a film's path, or mjpeg:8090 for browsers here (mjpeg:HOST:PORT for others).",
)
@click.option(
    "--seed", default=0, type=click.IntRange(0), show_default=True, help="Another seed, another path through the same look."
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
@click.option("--assets", type=click.Path(path_type=Path), metavar="DIR", help="A folder with your own patches, shaders, models.")
@click.option(
    "--set", "settings", nargs=2, multiple=True, metavar="ADDRESS VALUE", help="Set a parameter, as in --set /walk/jitter 0.3."
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
    fps: float | None,
    settings: tuple[tuple[str, str], ...],
    unsupervised: bool,
    **given: Any,
) -> None:
    """Perform PATCH to sound. Every parameter is a flag too: --latent.truncation 0.6 sets /latent/truncation."""
    from engine.core import resources
    from engine.guard.launch_environment import NO_DISPLAY, LaunchEnvironment

    launch = LaunchEnvironment.take()
    mode = ("headless" if realtime else "film") if headless else "window"
    if realtime and not headless:
        raise click.UsageError("expected --headless with --realtime; a window is always in real time")
    if given["resume"] and (given["safe"] or mode == "film"):
        raise click.UsageError("expected --resume for a performance in real time, and not with --safe")
    if mode != "film" and launch is None and not unsupervised and (mode == "headless" or may_have_display()):
        from engine.guard.supervisor import supervise

        ctx.exit(supervise(ctx.meta["words"], given["seconds"], given["resume"], given["safe"]))
    from engine.guard.supervised_show import SupervisedShow

    safe = given["safe"] or (launch is not None and launch.safe)
    if safe:
        resources.use_shipped_alone()
    elif assets is not None:
        resources.add_assets(assets)
    if mode == "window":
        from engine.windows.display import displays_available

        available, reason = displays_available()
        if not available and launch is not None:
            if launch.life > 0:  # a film instead would surprise
                ctx.exit(NO_DISPLAY)
            SupervisedShow(launch).film()
        if not available:
            mode = "film"
            click.echo(f"No display ({reason}): writing a film to {given['record'] or DEFAULT_FILM} instead.")
    if safe:  # what was named may be broken, or not be there any more
        given |= {"patch": PlayOptions().patch, "model": PlayOptions().model}
    given["patch"] = given["patch"] or usual_patch(given["model"])
    rate_hz = fps or (30.0 if mode == "film" else 60.0)
    options = PlayOptions(mode=mode, rate_hz=rate_hz, params=(*ctx.meta["params"], *settings), **given)
    if safe:
        options = without_the_users(options)
    supervised = SupervisedShow(launch, options.resume, safe) if mode != "film" else None
    if supervised is not None:
        named = (name for name in ("patch", "model", "seed") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE)
        options = as_resumed(options, supervised, frozenset(named))
    check_params(options.params, options.patch, options.model)
    check_outputs(options.outputs, options.record)
    from engine.show.perform import perform

    if supervised is None:
        perform(options)
    else:
        perform(options, supervised)


def may_have_display() -> bool:
    """Whether it is worth to try: told without loading what opens windows."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
