"""``sshknock-server client``: the pairings.

add     a pairing and its token
look    list and show
change  disable, enable, remove
rotate  a new secret
keys    what add and rotate share: tokens, and whether there is room for more doors
"""

from __future__ import annotations

import click

from sshknock.server.cli.clients.add import add
from sshknock.server.cli.clients.change import disable, enable, remove
from sshknock.server.cli.clients.look import list_, show
from sshknock.server.cli.clients.rotate import rotate


@click.group()
def client() -> None:
    """Add, list, show, disable, rotate and remove clients."""


for command in (add, list_, show, disable, enable, rotate, remove):
    client.add_command(command)
