"""The command line: `clavilux COMMAND`. Each command is one module of engine/commands, loaded when it is asked for."""

import importlib
import io
import os
import sys

import click

LOOP = "Symlink loop"  # what pathlib calls a link that leads to itself, as a RuntimeError before Python 3.13
LONGEST = 1000  # characters of what is said of a mistake
COMMANDS = {  # name -> module of engine.commands, in the order of the help
    "play": "play",
    "render": "render",
    "devices": "devices",
    "params": "params",
    "parts": "parts",
    "patches": "patches",
    "models": "models",
    "shows": "shows",
    "sheet": "sheet",
    "walk": "walk",
    "directions": "directions",
    "blend": "blend",
    "upscale": "upscale",
    "import": "import_model",  # which Python keeps for itself
    "dataset": "dataset",
    "train": "train",
    "doctor": "doctor",
    "build": "build",
    "bench": "bench",
    "completion": "completion",
}


class CommandTable(click.Group):
    """Imports a command's module only when that command (or the list of all) is wanted, so that starting stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"engine.commands.{COMMANDS[cmd_name]}").command
        return command


@click.group(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with `clavilux play`; `clavilux doctor` says what is missing on this machine.",
)
@click.version_option(package_name="clavilux")
def cli() -> None:
    """Clavilux: live sound plays a generative network, and its pictures leave through OpenGL."""


def main() -> None:
    """Run the command line; a mistake in what the user gave ends with one readable line and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # the name of a file may be what no terminal can write
    try:
        cli(prog_name="clavilux")
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        # A missing key or index is our own mistake, not the user's, and so is most at run time: they keep their traceback.
        ours = isinstance(error, KeyError | IndexError) or (isinstance(error, RuntimeError) and LOOP not in str(error))
        if ours or os.environ.get("CLAVILUX_TRACEBACK"):
            raise
        told = " ".join(str(error).split()) or type(error).__name__
        click.echo(f"clavilux: {told if len(told) <= LONGEST else told[:LONGEST] + ' ...'}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
