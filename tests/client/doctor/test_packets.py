"""What is sent and what is heard, on the loopback."""

from __future__ import annotations

import errno
import socket

import pytest

from sshknock.client.doctor import packets, trial
from sshknock.client.doctor.packets import Answer, look_plainly
from sshknock.client.doctor.trial import try_to_open
from sshknock.client.route import Route, resolve
from tests.client.conftest import pair
from tests.client.door import HOST, Door
from tests.client.silence import silent_port


def test_a_port_that_does_not_answer_is_no_firewall_of_ours() -> None:
    """The SYNs left this machine, as far as it knows."""
    with silent_port() as port:
        plain = look_plainly(resolve(HOST, port))
    assert (plain.answer, plain.dropped_here) == (Answer.SILENT, False)


@pytest.mark.parametrize("made", [0, 1])
def test_a_counter_of_which_nothing_left_is_not_spent(
    made: int, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our address went away: the counter whose train lost all is taken back, and no other."""
    store = pair(door)
    real = Route.socket
    sockets: list[socket.socket] = []

    def no_socket(route: Route, kind: int) -> socket.socket:
        if len(sockets) == made:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        sockets.append(real(route, kind))
        return sockets[-1]

    monkeypatch.setattr(Route, "socket", no_socket)
    monkeypatch.setattr(packets, "LISTEN_S", 0.1)
    monkeypatch.setattr(trial, "LISTEN_S", 0.1)
    route = resolve(HOST, door.port)
    with pytest.raises(OSError, match="Cannot assign"):
        try_to_open(store, route, refused=True)
    assert store.load().counters.sent == made - 1
