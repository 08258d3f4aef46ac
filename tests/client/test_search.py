"""``sync --search``: what is taken for a find, and what is not."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from sshknock.client import sync
from sshknock.errors import NotOpened, SshknockError
from sshknock.protocol.counters import ClientCounters
from tests.client.conftest import pair
from tests.client.door import HOST, Door


def test_a_find_is_tried_once_more() -> None:
    """It opened for one counter, and an ordinary attempt gets in, too."""
    with Door(counters=range(20), accept_from=9) as door:
        store = pair(door, counters=ClientCounters(0, 0), last_open=1)
        attempts: list[int] = []
        met = sync.search(store.pairing, attempts.append)
    assert (met.counter, met.unused, met.ahead) == (16, 18, True)
    assert (door.opened, attempts) == ([16, 17], [1, 2, 3])
    assert store.load().counters.confirmed == 17


def test_a_server_that_opens_late_is_not_met_where_it_is_not() -> None:
    """It opens when the next train is on its way, whose counter is none of its own."""
    with Door(counters=range(20), accept_from=8, opens_after_s=0.8) as door:
        store = pair(door, counters=ClientCounters(0, 0), last_open=1)
        met = sync.search(store.pairing, lambda _attempt: None)
    assert met.counter == 16
    assert door.opened == [8, 16, 17]
    assert store.load().counters.confirmed == 17


def test_a_find_that_was_none_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the counters that were sent for it are not."""
    monkeypatch.setattr("sshknock.client.opening.search_attempts", lambda *_: iter([8, 0]))
    with Door(counters=range(20), accept_from=8, opens_after_s=0.8) as door:
        store = pair(door, counters=ClientCounters(0, 0), last_open=1)
        with pytest.raises(NotOpened):
            sync.search(store.pairing, lambda _attempt: None)
    assert door.opened == [8]
    assert store.load().counters == ClientCounters(0, 8)
    assert store.load().last_open == 1


def test_a_port_that_stands_open_is_no_find(door: Door) -> None:
    """Every counter would look right there: nothing is sent, and it is said."""
    store = pair(door, counters=ClientCounters(0, 0), last_open=1)
    before = store.load().counters
    with (
        closing(socket.create_server((HOST, door.port))),
        pytest.raises(SshknockError, match="answers without a knock") as caught,
    ):
        sync.search(store.pairing, lambda _attempt: None)
    assert "nothing was sent" in (caught.value.hint or "")
    assert door.trains == []
    assert store.load().counters == before
