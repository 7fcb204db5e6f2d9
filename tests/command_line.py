"""The command line, called within the test."""

from click.testing import CliRunner, Result

from engine.cli import cli


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words, prog_name="clavilux")
