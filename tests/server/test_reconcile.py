"""A reconcile asks for no more than it needs, and gives sessions all the room that there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sshknock.protocol.addresses import Address, parse_address
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.server import books, interfaces, paths, reconcile
from sshknock.server.config import Config, Refuse
from sshknock.server.engines.base import Door, Progress
from sshknock.server.engines.knockd.engine import KnockdEngine
from sshknock.server.firewall import kernel
from sshknock.server.store import Store

CONFIG = Config("eth0", refuse=Refuse.RESET)
HERE = parse_address("192.0.2.7")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A machine without a table; of which interfaces the addresses were asked for."""
    seen: list[str] = []

    def addresses(interface: str) -> tuple[Address, ...]:
        seen.append(interface)
        return (HERE,)

    def update(_self: KnockdEngine, _doors: tuple[Door, ...]) -> Progress:
        return Progress()

    monkeypatch.setattr(paths, "RUN", tmp_path / "run")
    monkeypatch.setattr(interfaces, "addresses", addresses)
    monkeypatch.setattr(kernel, "read", lambda: None)
    monkeypatch.setattr(kernel, "apply", lambda _statements, **_: None)
    monkeypatch.setattr(KnockdEngine, "update", update)
    monkeypatch.setattr(KnockdEngine, "has_ended", lambda _self: False)
    return seen


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Fresh books."""
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


def add(store: Store, name: str, window: int) -> int:
    """Add a client; its id."""
    with store.transaction():
        parameters = Parameters(window=window)
        made = store.add_pairing(name, hosts=("h",), port=22, parameters=parameters, now=1)
    return made.id


def doors(store: Store, capacity: int) -> list[tuple[Purpose, int]]:
    """Issue the tickets that an engine of this capacity can listen for; purposes and counters."""
    with store.transaction():
        room = reconcile._room_for_closing(store, capacity)
        store.withdraw_all()
        books.issue_tickets(store, 1, room)
    return [(ticket.purpose, ticket.counter) for ticket in store.tickets()]


def test_a_reconcile_asks_for_the_addresses_once(asked: list[str], store: Store) -> None:
    """Each asking starts a program, and every login and every 15 s begin with a reconcile."""
    add(store, "laptop", 4)
    reconcile._settle(store, CONFIG, "test")
    assert asked == ["eth0"]
    assert len(store.tickets()) == 4


def test_a_disabled_client_leaves_its_room_to_sessions(store: Store) -> None:
    """It has no open doors; the close doors of all sessions fit where its windows were."""
    add(store, "laptop", 4)
    laptop = store.pairing("laptop")
    add(store, "desktop", 4)
    with store.transaction():
        for counter in range(3):
            store.begin_session(laptop.id, counter, str(HERE), now=1, not_before=0)
        store.raise_next(laptop.id, 3)
    assert len(doors(store, 9)) == 9
    with store.transaction():
        store.set_disabled(store.pairing("desktop"), disabled=True)
    found = doors(store, 7)
    assert sorted(counter for purpose, counter in found if purpose is Purpose.CLOSE) == [0, 1, 2]
    assert len(found) == 7
