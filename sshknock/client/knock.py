"""Sending a train: the packets of one sequence, in order."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable

from sshknock.client.route import Route
from sshknock.protocol.knocks import Knock, Sequence, Transport

PACING_S = (0.001, 0.020, 0.060, 0.150, 0.001, 0.020, 0.150, 0.150)
"""Gaps between knocks, by attempt.

A link that reorders needs gaps longer than its jitter. But two clients behind one address break
each other's trains whenever these overlap, which short ones seldom do.
"""

_PAYLOAD = b"\0"
_NOT_SENT = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EPERM}
)


class NothingSent(Exception):
    """The first packet of a train could not leave this machine; ``error`` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def pacing(attempt: int) -> float:
    """Return the gap between the knocks of a run's attempt (from 0), in seconds."""
    return PACING_S[min(attempt, len(PACING_S) - 1)]


def send_train(
    route: Route,
    sequence: Sequence,
    *,
    pacing_s: float,
    flush: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send the knocks of a sequence, ``pacing_s`` apart.

    ``flush`` sends the last knock first as well. It is no door's first knock, so knockd drops what
    an earlier, incomplete train left behind instead of taking this one for its continuation.

    Raises NothingSent when not even the first packet left; a later one that is lost here is like
    one that is lost on the way.
    """
    train = (sequence[-1], *sequence) if flush else sequence
    for i, knock in enumerate(train):
        if i:
            sleep(pacing_s)
        try:
            send_knock(route, knock)
        except OSError as error:
            if i == 0:
                raise NothingSent(error) from error


def send_knock(route: Route, knock: Knock) -> None:
    """Send one packet; raise OSError when the kernel refuses to let it out."""
    address = route.to_port(knock.port)
    if knock.transport is Transport.UDP:
        with route.socket(socket.SOCK_DGRAM) as udp:
            udp.sendto(_PAYLOAD, address)
        return
    with route.socket(socket.SOCK_STREAM) as tcp:
        try:
            tcp.connect(address)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno in _NOT_SENT:
                raise
