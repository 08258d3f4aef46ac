"""The proxy as a process, against a door on the loopback."""

from __future__ import annotations

import os

from sshknock.client import sessions
from tests.client.conftest import finish, pair, start_proxy
from tests.client.door import BANNER, HOST, Door


def _read(stream: object, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := os.read(stream.fileno(), count - len(data))):  # type: ignore[attr-defined]
        data += more
    return data


def test_a_session_opens_relays_confirms_and_closes_once(door: Door) -> None:
    """One train, one connection, the bytes both ways, one close train of the same counter."""
    store = pair(door)
    proxy = start_proxy(HOST, door.port)
    assert proxy.stdin is not None
    assert proxy.stdout is not None
    assert _read(proxy.stdout, len(BANNER)) == BANNER
    proxy.stdin.write(b"hello")
    assert _read(proxy.stdout, 5) == b"hello"
    assert sessions.count("box") == 1
    proxy.stdin.close()
    assert _read(proxy.stdout, 1) == b""
    assert finish(proxy) == (0, b"")
    assert door.wait_for(lambda: len(door.closed) > 0)
    assert (door.trains, door.closed, door.accepted) == ([0], [0], 1)
    state = store.load()
    assert (state.counters.confirmed, state.counters.sent) == (0, 0)
    assert state.last_result == "opened"
    assert sessions.count("box") == 0
