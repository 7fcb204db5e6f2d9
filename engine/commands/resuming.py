"""What `clavilux play` takes up of an earlier show: after a crash, and with --resume."""

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.commands.shared import tree_of
from engine.guard.journal import SWITCHED_ON
from engine.outputs.filenames import unused
from engine.show.options import TRACK, PlayOptions

if TYPE_CHECKING:
    from engine.core.types import Value
    from engine.guard.supervised_show import SupervisedShow

LONGEST_S = 1e7  # of a track: nobody plays on from beyond it
RECORD = "/record"


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
    if again and saved.was_off(RECORD):  # it had been ended by hand
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
    given = {RECORD, *(address for address, _ in options.params), *(f"/{name}" for name in named)}
    parts = {**saved.parts, SWITCHED_ON: [address for address in saved.switched_on if address not in given]}
    supervised.saved = replace(saved, bases=all_but(given, bases, options), parts=parts)
    return options


def all_but(given: set[str], bases: "dict[str, Value]", options: PlayOptions) -> "dict[str, Value]":
    """`bases` without the addresses that are `given`, whichever of their names, of today or of old, stands in either."""
    former = tree_of(options.patch, options.model).former() if options.params else {}
    now = {former.get(address, address) for address in given}
    return {address: value for address, value in bases.items() if former.get(address, address) not in now}
