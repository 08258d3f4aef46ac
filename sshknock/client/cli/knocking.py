"""Commands that knock by hand, or bring the two sides together again."""

from __future__ import annotations

import sys

import click

from sshknock.client import config
from sshknock.client.cli.arguments import name_argument
from sshknock.errors import UsageError, report
from sshknock.protocol.counters import SEARCH_ATTEMPTS


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


@click.command(short_help="Get back in step.")
@name_argument
@click.option("--search", is_flag=True, help="By knocking instead: try up to 128 counters.")
@click.option("--via", metavar="[USER@]HOST", help="Go there instead, by ssh's own settings.")
@click.option("--as", "called", metavar="NAME", help="What the pairing is called on the server.")
def sync(name: str, search: bool, via: str | None, called: str | None) -> None:
    """Meet the server's counter again, when logins fail although all else is well.

    Over SSH, to the hidden port without a knock: that works where the port is visible, from a
    network that is admitted, and with --via through a jump host or a private network.
    """
    from sshknock.client import sync as meeting  # noqa: PLC0415
    from sshknock.client.terminal import ask_password  # noqa: PLC0415

    if search and (via is not None or called is not None):
        raise UsageError("--search knocks, and goes nowhere by SSH", "leave --via and --as out")
    pairing = config.load().named(name)
    if search:
        with click.progressbar(length=SEARCH_ATTEMPTS, label="searching", file=sys.stderr) as bar:
            met = meeting.search(pairing, lambda _attempt: bar.update(1))
        click.echo(f"{pairing.host} opened for counter {met.counter}: in step again")
    else:
        met = meeting.ask_server(pairing, via=via, called=called, ask=ask_password)
        click.echo(f"in step again: the next counter is {met.counter + 1}")
    warning = met.warning(name)
    if warning is not None:
        report(warning)
