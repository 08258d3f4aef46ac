"""How long a run tries, and what it says when the machine itself cannot send."""

from __future__ import annotations

import errno
import itertools

import pytest

from sshknock.client import opening as openings
from sshknock.client.connect import NoWatch, Outcome
from sshknock.client.knock import NothingSent
from sshknock.client.opening import Opening
from sshknock.client.route import resolve
from sshknock.errors import NotOpened, SshknockError
from sshknock.protocol.counters import ClientCounters
from tests.client.conftest import pair
from tests.client.door import HOST, Door


@pytest.mark.parametrize(("sent", "counters"), [(0, ClientCounters()), (1, ClientCounters(-1, 0))])
def test_that_nothing_was_sent_is_said_only_when_it_is_so(
    monkeypatch: pytest.MonkeyPatch, sent: int, counters: ClientCounters
) -> None:
    """The network goes before the first train, or between two: counted is what was sent."""
    trains = itertools.count()

    def send(*_: object, **__: object) -> None:
        if next(trains) >= sent:
            raise NothingSent(OSError(errno.ENETUNREACH, "Network is unreachable"))

    monkeypatch.setattr(openings, "send_train", send)
    with Door(accept_from=100) as door:
        store = pair(door)
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        with pytest.raises(SshknockError, match="cannot send") as caught:
            opening.attempt_all(2)
    assert (caught.value.hint == "nothing was sent") is (sent == 0)
    assert store.load().counters == counters


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long each attempt was allowed to take; none of them gets in."""
    allowed: list[float] = []

    def connect(*_: object, limit_s: float) -> Outcome:
        allowed.append(limit_s)
        return Outcome(None, rtt_s=0.5)

    monkeypatch.setattr(openings, "send_train", lambda *_, **__: None)
    monkeypatch.setattr(openings, "connect", connect)
    return allowed


def _runs(limits: list[float], count: int) -> list[list[float]]:
    with Door(accept_from=100) as door:
        store = pair(door)
        for _ in range(count):
            opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
            with pytest.raises(NotOpened):
                opening.attempt_all(3)
    return [limits[i * 3 : i * 3 + 3] for i in range(count)]


def test_no_two_runs_keep_the_same_time(limits: list[float]) -> None:
    """Two clients behind one address, whose trains broke each other, drift apart by chance."""
    runs = _runs(limits, 8)
    assert len({tuple(run) for run in runs}) == 8
    assert max(first for first, *_ in runs) - min(first for first, *_ in runs) > 0.05


def test_a_distant_server_is_waited_for(limits: list[float]) -> None:
    """Once a round trip was seen, no attempt is given up before three of them are over."""
    first, second, third = _runs(limits, 1)[0]
    assert first < 1.5
    assert 1.5 < second < 2.5
    assert 1.5 < third < 2.5
