"""The commands of ``sshknock-server`` put together."""

from __future__ import annotations

import click

from sshknock import __version__
from sshknock.server.cli.clients import client
from sshknock.server.cli.doctor import doctor
from sshknock.server.cli.hiding import admit, confirm, hide, revoke, unhide
from sshknock.server.cli.log import log
from sshknock.server.cli.render import render
from sshknock.server.cli.setup import init, reconcile, uninstall
from sshknock.server.cli.status import status
from sshknock.server.cli.sync import sync
from sshknock.system.completion import completion_command

PROGRAM = "sshknock-server"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="sshknock-server %(version)s")
def program() -> None:
    """Hide this server's SSH port: it opens for one-time knocks only."""


for command in (
    *(init, confirm, hide, unhide, admit, revoke),
    *(client, sync, status, doctor, log, render, reconcile, uninstall),
    completion_command(program, PROGRAM),
):
    program.add_command(command)
