"""``sshknock-server log``: what happened."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator

import click

from sshknock.protocol.names import shown
from sshknock.server import history
from sshknock.server.cli.root import reading
from sshknock.server.cli.words import JSON_HELP, coloured, hangs, local_time, say
from sshknock.server.config import load
from sshknock.server.history import Wanted
from sshknock.server.networks import Network, parse_network
from sshknock.server.store import KINDS, WARNINGS, Event, Store
from sshknock.system.command_line import reading_arguments

_DIGITS = 9
_AND = ", "
_PERIOD_S = 0.5
_TIME_WIDTH = len("2026-11-22 14:30:00")
_GAP = "  "
_COLOURS = {"open": "green", "login": "green", "unused": "yellow"}


def _count(_context: click.Context, _parameter: click.Parameter, value: str) -> int | None:
    """Read a number of lines; None is all of them."""
    if value == "all":
        return None
    if not (value.isascii() and value.isdecimal() and int(value[:_DIGITS]) > 0):
        raise click.BadParameter(f"{shown(value)} is no number of lines, and not 'all'")
    return int(value[:_DIGITS])


def _kinds(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> frozenset[str]:
    """Read what can happen: each is one word, though people see it with blanks."""
    kinds = frozenset(value.replace(" ", "-") for value in values)
    for unknown in sorted(kinds - set(KINDS)):
        raise click.BadParameter(
            f"nothing is called {shown(unknown)}; there are {_AND.join(KINDS)}"
        )
    return kinds


def _complete_kind(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(incomplete)]


class Columns:
    """Lines of the log under each other, in columns as wide as the widest so far."""

    def __init__(self) -> None:
        self._kind = self._client = self._address = 0

    def lines(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield a line for each; a terminal's are broken at its width."""
        events = list(events)
        for event in events:
            self._kind = max(self._kind, len(event.kind))
            self._client = max(self._client, len(event.pairing or ""))
            self._address = max(self._address, len(event.address or ""))
        return map(self._line, events)

    def _line(self, event: Event) -> str:
        counter = [] if event.counter is None else [f"counter {event.counter}"]
        cells = [local_time(event.at), event.kind.replace("-", " ").ljust(self._kind)]
        if self._client:
            cells.append((event.pairing or "").ljust(self._client))
        if self._address:
            cells.append((event.address or "").ljust(self._address))
        cells.append(", ".join([*counter, event.detail] if event.detail else counter))
        begin = _TIME_WIDTH + len(_GAP)
        line = hangs(_GAP.join(cells).rstrip(), hang=begin)
        end = begin + len(event.kind)
        return f"{line[:begin]}{coloured(line[begin:end], _colour(event.kind))}{line[end:]}"


@click.command(short_help="Show what happened.")
@click.option(
    *("-n", "--lines", "most"),
    callback=_count,
    metavar="N|all",
    default="50",
    show_default=True,
    help="How many, the last ones.",
)
@click.option("--client", metavar="NAME", help="What one client did, or was done to it.")
@click.option("--since", metavar="TIME", help="From then on: 2h, 3d, '2026-11-22 14:30'.")
@click.option("--address", metavar="ADDRESS", help="From one address, or a network.")
@click.option(
    *("--event", "kinds"),
    multiple=True,
    callback=_kinds,
    shell_complete=_complete_kind,
    metavar="EVENT",
    help="Of one kind: open, login, unused, exposed, ... As often as needed.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on, and show what happens, until ^C.")
@click.option("--json", "as_json", is_flag=True, help=f"A line each. {JSON_HELP}")
def log(
    *,
    most: int | None,
    client: str | None,
    since: str | None,
    address: str | None,
    kinds: frozenset[str],
    follow: bool,
    as_json: bool,
) -> None:
    """Show what happened: who opened, from where, when, and with which result.

    `log --json -n all` exports all that there is, a line of JSON for each event.
    """
    wanted = Wanted(
        client,
        None if since is None else history.parse_since(since, int(time.time())),
        None if address is None else _network(address),
        kinds,
    )
    columns = Columns()
    with reading() as store:
        events = store.events()
        found = wanted.of(events)
        found = found if most is None else found[-most:]
        _show(found, columns, as_json=as_json)
        if follow:
            _follow(store, wanted, columns, events[-1].id if events else 0, as_json=as_json)
        elif not found and not as_json:
            say("Nothing of that kind has happened." if events else "Nothing has happened yet.")


def _follow(store: Store, wanted: Wanted, columns: Columns, last: int, *, as_json: bool) -> None:
    """Show what happens, until ^C; raise NotSetUp when the server is set up no more."""
    try:
        while True:
            events = list(store.events_after(last))
            _show(wanted.of(events), columns, as_json=as_json)
            last = events[-1].id if events else last
            time.sleep(_PERIOD_S)
            load()
    except KeyboardInterrupt:  # how everybody ends it
        return


def _show(events: list[Event], columns: Columns, *, as_json: bool) -> None:
    lines = (json.dumps(history.as_json(e)) for e in events) if as_json else columns.lines(events)
    for line in lines:
        click.echo(line)


def _network(text: str) -> Network:
    with reading_arguments():
        return parse_network(text)


def _colour(kind: str) -> str | None:
    return "red" if kind in WARNINGS else _COLOURS.get(kind)
