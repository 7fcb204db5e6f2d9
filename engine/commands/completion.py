"""`clavilux completion`: the script that lets a shell complete commands, patches and parameters."""

import click
from click.shell_completion import get_completion_class


@click.command(epilog="Example: clavilux completion bash > ~/.local/share/bash-completion/completions/clavilux")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, /, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash  eval "$(clavilux completion bash)"        in ~/.bashrc
    zsh   eval "$(clavilux completion zsh)"         in ~/.zshrc
    fish  clavilux completion fish | source         in ~/.config/fish/config.fish
    """
    complete = get_completion_class(shell)
    assert complete is not None  # click brings all three
    click.echo(complete(ctx.find_root().command, {}, "clavilux", "_CLAVILUX_COMPLETE").source())
