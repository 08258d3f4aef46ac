"""Trains on the loopback."""

from __future__ import annotations

import errno
import select
import socket
from contextlib import ExitStack

import pytest

from sshknock.client import knock as knocks
from sshknock.client.knock import NothingSent, send_train
from sshknock.client.route import Route, resolve
from sshknock.protocol.knocks import Knock, Transport
from sshknock.protocol.parameters import KNOCKS_HIGHEST
from tests.client.conftest import open_descriptors

KINDS = {Transport.TCP: socket.SOCK_STREAM, Transport.UDP: socket.SOCK_DGRAM}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("flush", [False, True])
def test_a_train_arrives_in_order_from_one_address(host: str, flush: bool) -> None:
    """Every knock reaches its port, in order; a flush knock, the train's last, comes first."""
    route = resolve(host, 22)
    arrived: list[tuple[int, str]] = []
    with ExitStack() as stack:
        listeners: list[tuple[Knock, socket.socket]] = []
        for transport in (Transport.TCP, Transport.UDP, Transport.UDP, Transport.TCP):
            made = stack.enter_context(socket.socket(route.family, KINDS[transport]))
            made.bind((host, 0))
            if transport is Transport.TCP:
                made.listen(8)
            listeners.append((Knock(made.getsockname()[1], transport), made))

        def collect(_seconds: float) -> None:
            """Take what has come, before the next knock leaves."""
            ready, _, _ = select.select([s for _, s in listeners], [], [], 5)
            for knock, listener in listeners:
                if listener in ready:
                    arrived.append((knock.port, _sender(knock, listener)))

        sequence = tuple(knock for knock, _ in listeners)
        send_train(route, sequence, pacing_s=0.01, flush=flush, sleep=collect)
        collect(0)
    expected = [sequence[-1], *sequence] if flush else list(sequence)
    assert arrived == [(knock.port, host) for knock in expected]


def _sender(knock: Knock, listener: socket.socket) -> str:
    if knock.transport is Transport.UDP:
        return str(listener.recvfrom(16)[1][0])
    connection, address = listener.accept()
    connection.close()
    return str(address[0])


def test_the_gaps_grow_with_the_attempts() -> None:
    """1 ms, then 20, 60 and 150, and the same again but for 60: two clients behind one address."""
    expected = [1, 20, 60, 150, 1, 20, 150, 150, 150]
    assert [round(1000 * knocks.pacing(attempt)) for attempt in range(9)] == expected


def test_the_slowest_train_is_over_before_the_server_forgets_its_beginning() -> None:
    """The longest sequence at the longest gaps: within the 5 seconds that knockd grants."""
    assert KNOCKS_HIGHEST * max(knocks.PACING_S) < 5


def test_knocks_leave_no_descriptor_open() -> None:
    """Closed at once, whatever became of them."""
    route = resolve("127.0.0.1", 22)
    sequence = (Knock(9, Transport.TCP), Knock(9, Transport.UDP)) * 4
    before = open_descriptors()
    send_train(route, sequence, pacing_s=0)
    assert open_descriptors() == before


@pytest.mark.parametrize("lost", [0, 1])
def test_only_a_train_of_which_nothing_left_is_an_error(
    lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first packet cannot leave: NothingSent. A later one: like one lost on the way."""
    sent: list[Knock] = []

    def send(_route: Route, knock: Knock) -> None:
        if len(sent) == lost:
            lost_knock.append(knock)
            if len(lost_knock) == 1:
                raise OSError(errno.ENETUNREACH, "Network is unreachable")
        sent.append(knock)

    lost_knock: list[Knock] = []
    monkeypatch.setattr(knocks, "send_knock", send)
    sequence = (Knock(1, Transport.TCP), Knock(2, Transport.UDP), Knock(3, Transport.TCP))
    route = resolve("127.0.0.1", 22)
    if lost == 0:
        with pytest.raises(NothingSent):
            send_train(route, sequence, pacing_s=0)
        assert sent == []
    else:
        send_train(route, sequence, pacing_s=0)
        assert sent == [sequence[0], sequence[2]]
