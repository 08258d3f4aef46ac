"""Guests: addresses that are let in without a knock for a time that somebody chose.

As with a trial the kernel's word counts as long as its table stands, whatever the clock says: a
guest that it lets in no more is none. The books are for what the kernel forgets; then the shorter
counts of the time by the clock and the time that was left when we last looked.
"""

from __future__ import annotations

from collections.abc import Mapping

from sshknock.errors import BadInput, UsageError
from sshknock.protocol.addresses import Address, parse_address
from sshknock.protocol.names import shown
from sshknock.server import admissions, hiding, proc
from sshknock.server.config import Config
from sshknock.server.firewall import kernel, table
from sshknock.server.moments import local_time
from sshknock.server.networks import contain
from sshknock.server.store import Store

LONGEST_S = 24 * 3600


def parse_guest(text: str) -> Address:
    """Return the address of a host; raise BadInput."""
    address = parse_address(text)
    if address.is_unspecified or address.is_multicast:
        raise BadInput(f"{shown(text)} is no host's address")
    return address


def check_time(seconds: int) -> int:
    """Return how long a guest stays; raise UsageError for what is too long or no time at all."""
    if not 1 <= seconds <= LONGEST_S:
        raise UsageError(
            "a guest stays between 1s and 24h", "'sshknock-server init --always' admits for ever"
        )
    return seconds


def admit(store: Store, address: Address, seconds: int, now: int) -> int:
    """Let an address in for some time from now, whatever it had; return until when.

    The kernel first: what it knows and the books do not, is taken back by the next reconcile.
    """
    until = now + seconds
    name = _set(address)
    statements = table.remove(name, [str(address)])
    statements += table.add(name, [table.timed(str(address), seconds)])
    kernel.apply("\n".join(statements) + "\n", lock=store.lock)
    with store.transaction():
        store.admit_guest(str(address), until, left_s=seconds)
        detail = f"until {local_time(until)}"
        store.record("admitted", now, address=str(address), detail=detail)
    return until


def revoke(store: Store, address: Address, now: int) -> bool:
    """Let an address in no more: as a guest, and by the knock it may have made.

    Returns False, and logs nothing, when neither let it in.
    """
    state = kernel.read()
    was_admitted = is_guest(store, address) or (state is not None and address in state.admitted)
    statements = table.remove(_set(address), [str(address)])
    kernel.apply("\n".join(statements) + "\n", lock=store.lock)
    admissions.take_back(store, {address})
    with store.transaction():
        _strike_out(store, str(address))
        if was_admitted:
            store.record("revoked", now, address=str(address))
    return was_admitted


def heed(store: Store, present: Mapping[Address, int]) -> None:
    """Take the word of an intact table: who is let in no more, and how long the others yet."""
    for guest in store.guests():
        left_s = present.get(parse_address(guest.address))
        if left_s is None:
            _strike_out(store, guest.address)
        elif left_s < guest.left_s:
            store.keep_guests_time(guest.address, left_s)


def end_overdue(store: Store, now: int) -> None:
    """Strike out the guests of a table that was lost whose time is over by the books."""
    for guest in store.guests():
        if guest.remaining_s(now) <= 0:
            _strike_out(store, guest.address)


def wanted(store: Store, present: Mapping[Address, int], now: int) -> dict[Address, int]:
    """Return the guests and the seconds they have left: by the kernel, or else by the books.

    At least one: the kernel takes a timeout of none for none.
    """
    return {
        address: max(1, present.get(address, guest.remaining_s(now)))
        for guest in store.guests()
        for address in [parse_address(guest.address)]
    }


def is_guest(store: Store, address: Address) -> bool:
    """Tell whether an address is let in without a knock for a time."""
    return any(guest.address == str(address) for guest in store.guests())


def needs_no_knock(store: Store, config: Config, address: Address) -> bool:
    """Tell whether an address is let in anyway: as a guest, or by its network."""
    return is_guest(store, address) or contain(config.always, address)


def _strike_out(store: Store, address: str) -> None:
    """Forget a guest; who was one until now has not shown that the door lets them in."""
    if store.revoke_guest(address):
        hiding.note_guest_gone(store, address, proc.now())


def _set(address: Address) -> str:
    return f"guests{table.family(address)}"
