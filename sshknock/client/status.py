"""What ``sshknock status`` shows: each pairing as it is now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sshknock.client import sessions
from sshknock.client.config import Pairing
from sshknock.client.state import NOT_HIDDEN, Store

JSON_VERSION = 1
_WIDE = 500  # a row stays a line: a host name that is folded cannot be copied, or found by grep
_SSH_PORT = 22
_RESULTS = {None: "never used", NOT_HIDDEN: "no knock needed"}


@dataclass(frozen=True, slots=True)
class Row:
    """One pairing; the counters are -1 while there is none, the time is Unix seconds or None."""

    name: str
    host: str
    port: int
    keyring: str
    confirmed: int
    sent: int
    sessions: int
    last_open: int | None
    last_result: str | None


def look(pairing: Pairing) -> Row:
    """Read a pairing's state; raises what its keyring raises."""
    state = Store(pairing).load()
    return Row(
        pairing.name,
        pairing.host,
        pairing.port,
        pairing.keyring,
        state.counters.confirmed,
        state.counters.sent,
        sessions.count(pairing.name),
        state.last_open,
        state.last_result,
    )


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the stable interface of ``status --json``."""
    return {
        "version": JSON_VERSION,
        "pairings": [{key: getattr(row, key) for key in Row.__slots__} for row in rows],
    }


def show(rows: Sequence[Row]) -> None:
    """Print a table."""
    from rich.console import Console  # noqa: PLC0415  slow to import, and needed only here
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False)
    for title in ("pairing", "server"):
        table.add_column(title, no_wrap=True)
    for title in ("opened", "sent", "sessions"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("last open", "result"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            _server(row),
            _counter(row.confirmed),
            _counter(row.sent),
            str(row.sessions),
            _when(row.last_open),
            _RESULTS.get(row.last_result, row.last_result),
        )
    Console(highlight=False, markup=False, width=_WIDE).print(table)


def _server(row: Row) -> str:
    if row.port == _SSH_PORT:
        return row.host
    return f"[{row.host}]:{row.port}" if ":" in row.host else f"{row.host}:{row.port}"


def _counter(number: int) -> str:
    return "none" if number < 0 else str(number)


def _when(seconds: int | None) -> str:
    return "never" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
