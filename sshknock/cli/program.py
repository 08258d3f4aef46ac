"""The commands of ``sshknock`` put together."""

from __future__ import annotations

import click

from sshknock import __version__
from sshknock.analysis.cli.analyze import analyze
from sshknock.analysis.cli.generate import generate
from sshknock.client.cli.derive import derive
from sshknock.client.cli.enrolling import enroll
from sshknock.client.cli.knocking import close, open_
from sshknock.client.cli.look import doctor, status
from sshknock.client.cli.pairings import forget, set_, ssh_config_
from sshknock.client.cli.push import push
from sshknock.client.cli.upkeep import rotate, sync
from sshknock.system.completion import completion_command

PROGRAM = "sshknock"


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


for command in (
    *(enroll, set_, ssh_config_, forget),
    *(status, doctor, open_, close, sync, rotate),
    *(push, derive, generate, analyze, completion_command(program, PROGRAM)),
):
    program.add_command(command)
