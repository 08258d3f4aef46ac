"""One train by hand: what ``sshknock open`` and ``sshknock close`` do."""

from __future__ import annotations

import secrets
import socket
import time

from sshknock.client.config import Pairing
from sshknock.client.connect import NoWatch
from sshknock.client.knock import NothingSent
from sshknock.client.opening import Opening, send_close
from sshknock.client.relay import Identification
from sshknock.client.route import resolve
from sshknock.client.state import NOT_LOOKED_AT, Store, locked_by_hand
from sshknock.errors import BadInput, SshknockError
from sshknock.protocol.counters import ATTEMPTS
from sshknock.records import record, replace

ANSWER_S = 2.0


@record
class Opened:
    """One open train by hand: its counter, and the server's identification if it was read."""

    counter: int
    identification: str | None


def open_once(pairing: Pairing, *, look: bool) -> Opened:
    """Send one open train; with ``look``, connect to see whether the port answers.

    Raises NotOpened when it was looked for and did not answer.
    """
    store = Store(pairing)
    route = resolve(pairing.host, pairing.port)
    with locked_by_hand(pairing.name):
        state = store.load()
        opening = Opening(store, state, route, NoWatch())
        # A run by hand has one attempt, and has to get to all that a run of ssh would try.
        first = 0 if state.is_fresh else secrets.randbelow(ATTEMPTS)
        if not look:
            counter = opening.send_train(first)
            store.save(replace(opening.state, last_result=NOT_LOOKED_AT))
            return Opened(counter, None)
        with opening.attempt_all(1, first=first) as connection:
            identification = read_identification(connection)
        if identification is None:
            raise SshknockError(
                f"{route.host} port {route.port} answers, but no SSH server does",
                "is it the right port? 'sshknock set' changes it",
            )
        return Opened(opening.confirm(), identification)


def close_last(pairing: Pairing) -> int:
    """Send the close train of the last confirmed counter; return that counter."""
    store = Store(pairing)
    route = resolve(pairing.host, pairing.port)
    with locked_by_hand(pairing.name):
        state = store.load()
        if state.listed is not None:
            raise SshknockError(
                f"{pairing.name!r} has no close sequences: its server has a stock knockd",
                "nothing was sent; knockd closes the port by itself (see 'sshknock push --conf')",
            )
        counter = state.counters.confirmed
        if counter < 0:
            raise BadInput(f"{pairing.name!r} was never opened, so there is nothing to close")
        try:
            send_close(route, state, counter)
        except NothingSent as error:
            reason = str(error.error.strerror).lower()
            raise SshknockError(
                f"this machine cannot send to {route.host}: {reason}",
                f"'sshknock doctor {pairing.name}' finds out why",
            ) from error
        store.save(replace(state, last_train=int(time.time()), closed=True))
    return counter


def read_identification(connection: socket.socket) -> str | None:
    """Return the server's identification line, or None when it does not come in time."""
    seen = Identification()
    end = time.monotonic() + ANSWER_S
    while not seen.over and (left := end - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            data = connection.recv(4096)
        except OSError:
            return None
        if not data:
            return None
        seen.feed(memoryview(data))
    return seen.text
