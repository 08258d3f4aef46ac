"""``sshknock-server sync``: move a client's counter up, never down."""

from __future__ import annotations

import json
import time

import click

from sshknock.errors import UsageError
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.server.cli.arguments import name_argument
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, say
from sshknock.server.reconcile import agree
from sshknock.server.reconcile import reconcile as reconcile_server

_HIGHEST = COUNTER_LIMIT - (1 << 32)
"""What leaves room for more logins than there will ever be."""


@click.command(short_help="Move a client's counter up.")
@name_argument
@click.option(
    "--at-least",
    "text",
    metavar="N",
    required=True,
    help="The lowest counter that is to be accepted from now on.",
)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def sync(name: str, text: str, *, as_json: bool) -> None:
    """Let a client's counter be N at least. The doors below close at once; it never goes down.

    After /var/lib/sshknock was restored from a backup this burns what the client used meanwhile.
    """
    lowest = _parse_counter(text)
    with opened() as (config, store):
        agree(store, config, "sync")  # doors that were just used count
        pairing = store.pairing(name)
        group = [p for p in (pairing, store.replacement(pairing)) if p is not None]
        # One number for both secrets of a rotation: we cannot tell which of them the client has.
        next_ = max(lowest, *(p.next for p in group))
        with store.transaction():
            for member in group:
                store.raise_next(member.id, next_)
            if next_ > pairing.next:
                detail = f"next {pairing.next} -> {next_}"
                store.record("synced", int(time.time()), pairing=pairing.name, detail=detail)
    reconcile_server(f"sync {name}")
    if as_json:
        click.echo(json.dumps({"version": 1, "name": pairing.name, "next": next_}))
    else:
        say(f"The next counter of {pairing.name} is {next_}.")


def _parse_counter(text: str) -> int:
    """Return a counter; raise UsageError for what is none, or leaves the client too few."""
    digits = len(str(COUNTER_LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= digits):
        raise UsageError(f"{text[:40]!r} is no counter", "a whole number, 0 or more")
    counter = int(text)
    if counter > _HIGHEST:
        raise UsageError(f"{counter} is too high: no logins would be left", f"{_HIGHEST} at most")
    return counter
