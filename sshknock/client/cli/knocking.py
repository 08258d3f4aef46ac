"""Commands that knock by hand."""

from __future__ import annotations

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument


@click.command("open", short_help="Send one open sequence by hand.")
@name_argument
@click.option("--blind", is_flag=True, help="Do not connect to see whether the port answers.")
def open_(name: str, blind: bool) -> None:
    """Send one open sequence, and see whether the port answers.

    A server that admits a single connection has then admitted this one: with --blind the next
    connection from here is yours. Give it a second: the server needs a moment.
    """
    from sshknock.client.manual import open_once  # noqa: PLC0415

    pairing = config.load().named(name)
    opened = open_once(pairing, look=not blind)
    where = f"{pairing.host} port {pairing.port}"
    if opened.identification is None:
        click.echo(
            f"sent counter {opened.counter}; {where} should open within a second (not looked at)"
        )
    else:
        click.echo(f"{where} opened for counter {opened.counter}: {opened.identification}")


@click.command(short_help="Send the close sequence by hand.")
@name_argument
def close(name: str) -> None:
    """Send the close sequence of the last counter that is known to have opened."""
    from sshknock.client.manual import close_last  # noqa: PLC0415

    pairing = config.load().named(name)
    counter = close_last(pairing)
    click.echo(f"sent the close sequence of counter {counter} to {pairing.host}")
