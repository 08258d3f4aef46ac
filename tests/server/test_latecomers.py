"""Who came too late for a door: told once each, and never so many that the log is full of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshknock.protocol.parameters import Parameters
from sshknock.server import books, latecomers
from sshknock.server.firewall.kernel import Used
from sshknock.server.store import Store, Ticket

CLIENT = ipaddress.ip_address("192.0.2.7")
OTHERS = [CLIENT + number for number in range(1, 65)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Fresh books with one pairing and its window of tickets."""
    opened = Store(tmp_path / "state.db")
    with opened.transaction():
        opened.add_pairing("laptop", hosts=("h",), port=22, parameters=Parameters(), now=1)
        books.issue_tickets(opened, generation=1, close_doors=99)
    yield opened
    opened.close()


@pytest.fixture(params=["replay", "refused"])
def door(store: Store, request: pytest.FixtureRequest) -> tuple[str, Ticket]:
    """A door that the client has used, or that still stands; and what latecomers are called."""
    first, *_ = store.tickets()
    if request.param == "replay":
        with store.transaction():
            books.take_in(store, [Used(first.id, CLIENT)], now=100, not_before=0)
    return request.param, first


def told(store: Store, kind: str) -> list[str | None]:
    """The addresses that the log has of a kind."""
    return [event.address for event in store.events() if event.kind == kind]


def test_each_is_told_once(store: Store, door: tuple[str, Ticket]) -> None:
    """However often they come; the one for whom it opened is none of them."""
    kind, ticket = door
    with store.transaction():
        for _ in range(3):
            latecomers.log(store, [Used(ticket.id, address) for address in OTHERS[:2]], now=101)
        if kind == "replay":
            latecomers.log(store, [Used(ticket.id, CLIENT)], now=101)
    assert told(store, kind) == ["192.0.2.8", "192.0.2.9"]


def test_one_train_in_many_names_is_a_few_lines(store: Store, door: tuple[str, Ticket]) -> None:
    """Sources can be forged: who hears a train must not push all else out of the log."""
    kind, ticket = door
    with store.transaction():
        for address in OTHERS:
            latecomers.log(store, [Used(ticket.id, address)], now=101)
    assert told(store, kind) == [str(address) for address in OTHERS[:8]]
