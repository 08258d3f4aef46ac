"""``client rotate``: a new secret, while the old one goes on working until the new one is used."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sshknock.errors import SshknockError
from sshknock.server.cli.arguments import name_argument
from sshknock.server.cli.clients.keys import (
    TokenOutput,
    parse_hosts,
    require_room,
    token_file_option,
)
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, say
from sshknock.server.reconcile import agree
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.system.command_line import reading_arguments


@click.command(short_help="Give a client a new secret.")
@name_argument
@click.option(
    "--host",
    "hosts",
    metavar="HOST",
    multiple=True,
    help="How the client reaches this server.  [default: as before]",
)
@token_file_option
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def rotate(name: str, hosts: tuple[str, ...], token_file: Path | None, *, as_json: bool) -> None:
    """Make a new secret and its token: for a new machine, or when the old one may be known.

    The old secret works until the new one has opened a door for the first time; then it is void.
    Running sessions go on. Rotated again before that, only the last new secret counts.
    """
    with reading_arguments():
        named_hosts = parse_hosts(hosts)
    output = TokenOutput(token_file)
    with opened() as (config, store):
        agree(store, config, "rotate")  # a door that was just used may end an earlier rotation
        pairing = store.pairing(name)
        if pairing.disabled:
            raise SshknockError(
                f"{pairing.name} is disabled, so a new secret would open nothing",
                f"'sshknock-server client enable {pairing.name}' first",
            )
        if store.replacement(pairing) is None:
            require_room(store, config, pairing.parameters.window)
        with store.transaction():
            new = store.begin_rotation(
                pairing, hosts=named_hosts or pairing.hosts, now=int(time.time())
            )
            store.record("rotation-begun", int(time.time()), pairing=new.name)
            output.take(new, config)
    try:
        reconcile_server(f"client rotate {name}")
    except BaseException:
        # Nobody listens for the new one and nobody has its token: the old one stays alone.
        with opened() as (_, store), store.transaction():
            store.end_rotation(new)
        output.withdraw()
        raise
    if as_json:
        click.echo(output.to_json(new))
        return
    output.show(new, hosts_were_chosen=bool(hosts))
    if token_file is not None:
        say(f"The old secret of {new.name} works until the new one is used.")
        say("For the machine that has the old one there is a shorter way: there, sshknock rotate.")
