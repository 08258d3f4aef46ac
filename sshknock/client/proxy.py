"""``sshknock-proxy``: knock, connect, relay, close. The life of one ssh connection.

The order matters. ssh's end is an event, and no longer our death, before the first knock; the state
is saved before the first packet; the lock is held until the server has identified itself, so that
parallel runs do not mix their trains; and at the end the close train goes out first and the state
is saved after it, because whoever ended ssh may end us too.
"""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack, suppress

from sshknock.client import sessions
from sshknock.client.config import Pairing
from sshknock.client.connect import Abandoned
from sshknock.client.knock import NothingSent
from sshknock.client.lifecycle import SshLink
from sshknock.client.opening import RUN_S, Opening, send_close
from sshknock.client.relay import Identification, Relay
from sshknock.client.route import Route, resolve
from sshknock.client.state import FAILED, OPENED, PairingState, Store
from sshknock.errors import EXIT_DONE, EXIT_FAILED, NotOpened, SshknockError, report, report_failure
from sshknock.protocol.counters import attempts_of_a_run
from sshknock.records import record, replace
from sshknock.system.files import LockTimeout

LOCK_WAIT_S = 40.0
CLOSE_LOCK_WAIT_S = 5.0
IDENTIFICATION_S = 10.0
AGAIN_S = (0.5, 1.5)


def run(pairing: Pairing, host: str, port: int, link: SshLink) -> int:
    """Serve one ssh; return the exit code.

    Raises SshknockError for what keeps the user from the first knock; what fails after it is
    reported here, before the door is closed.
    """
    store = Store(pairing)
    route = resolve(host, port)
    return _Session(store, route, link).run()


@record
class _Door:
    """What its close train needs: the counter that opened it, the way, and the train's number."""

    route: Route
    counter: int
    attempt: int


class _Session:
    """One connection, from the first knock to the close train."""

    def __init__(self, store: Store, route: Route, link: SshLink) -> None:
        self._store = store
        self._route = route
        self._link = link
        self._opening: Opening | None = None
        self._hung_up: _Door | None = None  # where asking again opened no more

    def run(self) -> int:
        """Serve ssh from the first knock to the close train; return the exit code.

        The close train goes out when nobody waits for this process or for its standard error.
        """
        code = EXIT_DONE
        try:
            with ExitStack() as session:
                relay = self._enter(session)
                self._link.leave_terminal()
                relay.run()
                relay.drain()
        except NotOpened:  # no door to close
            raise
        except Abandoned:
            code = EXIT_FAILED
        except Exception as error:  # noqa: BLE001  whatever it is, the door is closed after it
            code = report_failure(error)
        self._link.leave_terminal()
        self._link.leave_standard_error()
        self._close()
        return code

    def _enter(self, session: ExitStack) -> Relay:
        """Get through the door, under the lock, to the point where the server has shown itself.

        What lasts as long as the session, the connection and its count, goes on the stack.
        """
        started = int(time.time())
        try:
            with self._store.locked(LOCK_WAIT_S, self._link.pause) as waited:
                state = self._store.load()
                self._link.outlive()
                self._link.pause(0)
                opening = Opening(self._store, state, self._route, self._link)
                self._opening = opening
                connection = self._connect(opening, waited=waited, started=started)
                session.enter_context(connection)
                session.enter_context(sessions.running(self._store.pairing.name))
                return self._identify(opening, connection, session)
        except LockTimeout as error:
            raise NotOpened(
                f"another ssh or sshknock is still busy with {self._route.host} after"
                f" {LOCK_WAIT_S:.0f} s",
                "nothing was sent; try again when it has ended",
            ) from error

    def _connect(self, opening: Opening, *, waited: bool, started: int) -> socket.socket:
        state = opening.state
        now = int(time.time())
        if state.probe_is_due(now):
            connection = opening.probe()
            if connection is not None:
                self._warn_not_hidden(state, now)
                return connection
        # The holder may have sent its last train before we came, and waited for an answer since.
        holder_failed = (
            waited and state.last_result == FAILED and (state.last_train or 0) >= started - RUN_S
        )
        attempts = 1 if holder_failed else attempts_of_a_run(state.parameters.window)
        return opening.attempt_all(attempts)

    def _identify(self, opening: Opening, connection: socket.socket, session: ExitStack) -> Relay:
        """Relay until the server's identification line has come by: that is the confirm.

        An sshd that has too many logins under way (MaxStartups) closes a connection at once. It is
        asked again, a moment later, and hears again what ssh has said so far.
        """
        said = b""
        pauses = iter(AGAIN_S)
        while True:
            identification = Identification()
            relay = self._relay(connection, identification, said)
            session.callback(relay.release)
            relay.run(
                until=lambda: identification.over or relay.server_ended,  # noqa: B023  run now
                limit_s=IDENTIFICATION_S,
            )
            relay.tap = None
            if identification.text is not None:
                if opening.counter is not None:  # else the port was not hidden
                    opening.confirm()
                    self._warn_when_low(opening)
                return relay
            if not relay.server_ended:
                return relay
            relay.release()
            said = bytes(relay.said)
            connection.close()
            connection = session.enter_context(self._ask_again(opening, next(pauses, None)))

    def _relay(
        self, connection: socket.socket, identification: Identification, said: bytes
    ) -> Relay:
        return Relay(
            connection,
            source=self._link.source,
            sink=self._link.sink,
            wake_fd=self._link.wake_fd,
            tap=identification.feed,
            said=said,
        )

    def _ask_again(self, opening: Opening, pause_s: float | None) -> socket.socket:
        """Knock and connect once more, for a server that closed the connection at once.

        Raises _NoIdentification when it did so too often, or does not open any more.
        """
        hung_up = _NoIdentification(
            f"{self._route.host} port {self._route.port} closed the connection at once",
            "its sshd may refuse this address for a while (MaxStartups, PerSourcePenalties)",
        )
        left = attempts_of_a_run(opening.state.parameters.window) - (opening.attempt + 1)
        if pause_s is None or opening.counter is None or left < 1:
            raise hung_up
        used = _Door(opening.route, opening.counter, opening.attempt)
        self._link.pause(pause_s)
        try:
            return opening.attempt_all(left, first=opening.attempt + 1)
        except NotOpened as error:
            self._hung_up = used
            raise hung_up from error

    def _door(self) -> _Door | None:
        """Return the door that is to be closed; one that was never seen open may be open too."""
        opening = self._opening
        if opening is None or opening.counter is None or opening.state.listed is not None:
            return None  # a stock knockd shuts its doors by itself
        return self._hung_up or _Door(opening.route, opening.counter, opening.attempt)

    def _close(self) -> None:
        """Send the close train of the door that was used, then note when; failures are nobody's."""
        opening, door = self._opening, self._door()
        if opening is None or door is None:
            return
        with suppress(SshknockError, NothingSent), self._store.locked(CLOSE_LOCK_WAIT_S):
            send_close(door.route, opening.state, door.counter, attempt=door.attempt)
            state = self._store.load()
            used = opening.state.last_result == OPENED
            self._store.save(replace(state, last_train=int(time.time()), closed=used))

    def _warn_when_low(self, opening: Opening) -> None:
        left = opening.few_left()
        if left is None:
            return
        name = self._store.pairing.name
        logins = "login" if left == 1 else "logins"
        report(
            SshknockError(
                f"warning: the server's list of sequences for {name} is good for {left} more"
                f" {logins}",
                f"'sshknock push {name}' carries more there",
            )
        )

    def _warn_not_hidden(self, state: PairingState, now: int) -> None:
        perhaps_admitted = state.may_be_admitted(now)
        either = "an earlier knock may still let us in; else" if perhaps_admitted else "either"
        if state.listed is None:
            tells = "'sshknock-server status' tells"
        else:
            tells = f"'sshknock push {self._store.pairing.name} --conf nft' has the rules"
        report(
            SshknockError(
                f"warning: port {self._route.port} of {self._route.host} opened without a knock",
                f"{either} it is not hidden, or your address is let in there anyway: {tells}",
            )
        )


class _NoIdentification(SshknockError):
    """The port answered, but no SSH server did."""
