"""Who played a whole sequence and did not get its door: the books remember for whom it had opened.

knockd hears a sequence as long as it has its door, which is about a second longer than the door's
ticket lasts. Who repeats it later meets ports that nobody listens on, and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable

from sshknock.protocol.knocks import Purpose
from sshknock.server.firewall.kernel import Used
from sshknock.server.store import Kind, Spent, Store, Ticket

_ADDRESSES_OF_A_DOOR = 8  # sources can be forged, and the log's room is bounded


def note_opened(
    store: Store, opened: Ticket, known: Iterable[Ticket], address: str, now: int
) -> None:
    """Remember an open door that an address has used, and those below it, which closed with it."""
    name = next(pairing.name for pairing in store.pairings() if pairing.id == opened.pairing)
    for ticket in known:
        is_open_door = (ticket.pairing, ticket.purpose) == (opened.pairing, Purpose.OPEN)
        if is_open_door and ticket.counter <= opened.counter:
            store.note_spent(ticket.id, Spent(name, ticket.counter, address), now)


def log(store: Store, late: Iterable[Used], now: int) -> None:
    """Log those who came too late for a door, or held no claim to it, each once for a door.

    Whoever heard one train can repeat it in many names: of them the first few are told. The address
    that a door did open for is left out: while one knockd takes another's place, both hear every
    train. A ticket that is neither spent nor there was void: the table was lost.
    """
    for mark in late:
        address = str(mark.address)
        spent = store.spent(mark.ticket)
        kind: Kind = "refused" if spent is None else "replay"
        if spent is None:
            door = _door(store, mark.ticket)
            detail = "another address was first with its last knock, or this one touched a tripwire"
        else:
            door = None if spent.address == address else (spent.pairing, spent.counter)
            detail = f"that sequence was over: the client came from {spent.address}"
        if door is None:
            continue
        name, counter = door
        told = store.addresses_of(kind, name, counter)
        if address not in told and len(told) < _ADDRESSES_OF_A_DOOR:
            store.record(kind, now, pairing=name, address=address, counter=counter, detail=detail)


def _door(store: Store, ticket: int) -> tuple[str, int] | None:
    """Return the client's name and the counter of a door that is there."""
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    for known in store.tickets():
        if known.id == ticket:
            return names[known.pairing], known.counter
    return None
