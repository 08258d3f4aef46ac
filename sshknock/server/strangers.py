"""How many strangers were turned away: the kernel counts their packets, and logs none of them."""

from __future__ import annotations

from dataclasses import dataclass

from sshknock.server.firewall.kernel import TableState
from sshknock.server.store import Store

_SINCE = "strangers counted since"


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Packets of strangers to a hidden port, counted ``since`` a moment (Unix seconds)."""

    packets: int
    since: int


def note_table(store: Store, now: int, *, counted_on: bool) -> None:
    """Note that a table is made: one that takes the place of another of ours counts on."""
    if not counted_on or store.meta(_SINCE) is None:
        store.set_meta(_SINCE, str(now))


def turned_away(store: Store, state: TableState | None) -> TurnedAway | None:
    """Return the count of a table; None where there is none."""
    since = store.meta(_SINCE)
    return None if state is None or since is None else TurnedAway(state.turned_away, int(since))
