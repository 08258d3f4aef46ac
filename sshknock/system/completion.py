"""Completion in shells: click's scripts for a program, and the command that prints them."""

from __future__ import annotations

import click

from sshknock.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


def script(group: click.Group, name: str, shell: str) -> str:
    """Return what a shell has to read so that it completes a program's words; raise UsageError."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  rarely needed

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    variable = f"_{name}_COMPLETE".replace("-", "_").upper()  # as click's main() reads it
    return kind(group, {}, name, variable).source()


def completion_command(group: click.Group, name: str) -> click.Command:
    """Return the command ``completion`` of a program."""

    @click.command("completion", short_help="Print the shell completion.")
    @click.argument("shell", type=click.Choice(SHELLS))
    def completion(shell: str) -> None:
        click.echo(script(group, name, shell))

    completion.help = (
        "Print the completion for a shell, to be kept where that shell looks for it.\n\n"
        f"bash: ~/.local/share/bash-completion/completions/{name}; zsh: a folder of $fpath, as"
        f" _{name}; fish: ~/.config/fish/completions/{name}.fish"
    )
    return completion
