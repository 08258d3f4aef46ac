"""The commands of ``sshknock`` put together."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from sshknock import __version__
from sshknock.client.cli.derive import derive
from sshknock.client.cli.knocking import close, open_, sync
from sshknock.client.cli.look import doctor, status
from sshknock.client.cli.pairings import enroll, forget, set_, ssh_config_
from sshknock.errors import UsageError

PROGRAM = "sshknock"
_COMPLETE_VARIABLE = "_SSHKNOCK_COMPLETE"


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, message="sshknock %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Reach SSH servers that are hidden behind secret one-time knocks."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.command(short_help="Print the shell completion.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion for a shell, to be kept where that shell looks for it.

    bash: ~/.local/share/bash-completion/completions/sshknock; zsh: a folder of $fpath, as
    _sshknock; fish: ~/.config/fish/completions/sshknock.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"there is no completion for {shell}")
    click.echo(kind(program, {}, PROGRAM, _COMPLETE_VARIABLE).source())


for command in (
    *(enroll, set_, ssh_config_, forget),
    *(status, doctor, open_, close, sync),
    *(derive, completion),
):
    program.add_command(command)
