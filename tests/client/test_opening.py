"""What a run says when the machine itself cannot send."""

from __future__ import annotations

import errno
import itertools

import pytest

from sshknock.client import opening as openings
from sshknock.client.connect import NoWatch
from sshknock.client.knock import NothingSent
from sshknock.client.opening import Opening
from sshknock.client.route import resolve
from sshknock.errors import SshknockError
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
