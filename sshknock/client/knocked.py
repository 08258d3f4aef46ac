"""A connection through a pairing's own door, for a command of ours instead of for ssh."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sshknock.client import sessions
from sshknock.client.config import Pairing
from sshknock.client.connect import NoWatch
from sshknock.client.knock import NothingSent
from sshknock.client.opening import Opening, send_close
from sshknock.client.relay import Identification
from sshknock.client.route import resolve
from sshknock.client.state import OPENED, Store, locked_by_hand
from sshknock.errors import SshknockError
from sshknock.protocol.counters import attempts_of_a_run
from sshknock.records import replace

IDENTIFICATION_S = 10.0


@contextmanager
def knocked(
    pairing: Pairing, *, look_first: bool = False, spare: bool = False
) -> Iterator[socket.socket]:
    """Yield a connection whose server has identified itself, with that line still to be read.

    With ``look_first`` a port that answers without a knock is taken as it is, and no counter is
    used; ``spare`` may use the last sequences of a server's list. The pairing's lock is held until
    the counter is confirmed, and not while the connection lasts; at its end the close train goes
    out. Raises NotOpened, and SshknockError for a port that answers as no SSH server does.
    """
    store = Store(pairing)
    route = resolve(pairing.host, pairing.port)
    with ExitStack() as session:
        with locked_by_hand(pairing.name):
            state = store.load()
            opening = Opening(store, state, route, NoWatch(), spare=spare)
            session.callback(_close, opening)
            connection = None
            if look_first or state.probe_is_due(int(time.time())):
                connection = opening.probe()
            if connection is None:
                connection = opening.attempt_all(attempts_of_a_run(state.parameters.window))
            session.enter_context(connection)
            if not _identifies_itself(connection):
                raise SshknockError(
                    f"{route.host} port {route.port} answers, but no SSH server does",
                    "is it the right port? its sshd may also refuse this address for a while",
                )
            if opening.counter is not None:  # else no knock was needed
                opening.confirm()
        session.enter_context(sessions.running(pairing.name))
        yield connection


def _identifies_itself(connection: socket.socket) -> bool:
    """Wait for an identification line, and take nothing of it from who reads the connection."""
    end = time.monotonic() + IDENTIFICATION_S
    peeked = b""
    while (left_s := end - time.monotonic()) > 0:
        connection.settimeout(left_s)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, len(peeked) + 1)
        before = len(peeked)
        try:
            peeked = connection.recv(Identification.LONGEST, socket.MSG_PEEK)
        except OSError:
            return False
        seen = Identification()
        seen.feed(memoryview(peeked))
        if seen.text is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            connection.setblocking(False)
            return True
        if len(peeked) == before:  # its end
            return False
    return False


def _close(opening: Opening) -> None:
    """Send the close train of the door that was used, with the secret that had opened it."""
    if opening.counter is None or opening.state.listed is not None:
        return
    with suppress(SshknockError, NothingSent), locked_by_hand(opening.store.pairing.name):
        send_close(opening.route, opening.state, opening.counter, attempt=opening.attempt)
        state = opening.store.load()  # of the new secret by now, if this was a rotation
        used = opening.state.last_result == OPENED
        opening.store.save(replace(state, last_train=int(time.time()), closed=used))
