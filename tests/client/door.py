"""A door on the loopback: it sees the knocks by listening on their ports, then opens a port.

It is no model of the server: it accepts the counters it was made for, each once, and opens its port
for one connection when all knocks of a sequence have come.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Knock, Purpose, Transport
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

HOST = "127.0.0.1"
PARAMETERS = Parameters(port_min=10000, port_max=30000)
BANNER = b"SSH-2.0-fake\r\n"

Serve = Callable[[socket.socket], None]


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def greet_and_echo(connection: socket.socket) -> None:
    """Be an SSH server as far as the identification line, then repeat what comes."""
    connection.sendall(BANNER)
    while data := connection.recv(65536):
        connection.sendall(data)


class Door:
    """Listens for the sequences of some counters; use as a context manager."""

    def __init__(
        self,
        *,
        counters: range = range(4),
        serve: Serve = greet_and_echo,
        accept_from: int = 0,
        accept_until: int | None = None,
        opens_after_s: float = 0,
    ) -> None:
        self.port = free_port()
        self.counters = counters
        self.accepts = range(
            accept_from, counters.stop if accept_until is None else accept_until + 1
        )
        self.opens_after_s = opens_after_s
        self.opened: list[int] = []
        self.closed: list[int] = []
        self.trains: list[int] = []
        self.accepted = 0
        self.serve = serve
        self._changed = threading.Condition()
        self._stack = ExitStack()
        self._stop, self._stopper = os.pipe()
        self._knocks: dict[Knock, socket.socket] = {}
        self.secret = self._bind_all()

    def __enter__(self) -> Door:  # noqa: PYI034  Self is of 3.11
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._stopper, b"x")
        self._thread.join()
        self._stack.close()
        os.close(self._stop)
        os.close(self._stopper)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
        """Wait until something that the door counts is so."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def _sequences(self, secret: Secret) -> dict[tuple[Purpose, int], tuple[Knock, ...]]:
        return {
            (purpose, counter): derive(secret, purpose, counter, PARAMETERS)
            for purpose in Purpose
            for counter in self.counters
        }

    def _bind_all(self) -> Secret:
        """Find a secret all of whose ports are free here, and listen on them."""
        while True:
            secret = Secret(os.urandom(32))
            self._expected = self._sequences(secret)
            with ExitStack() as attempt:
                try:
                    for knock in {k for sequence in self._expected.values() for k in sequence}:
                        self._knocks[knock] = attempt.enter_context(_listener(knock))
                except OSError:
                    self._knocks.clear()
                    continue
                self._stack = attempt.pop_all()
                return secret

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._stop, select.POLLIN)
        by_descriptor = {s.fileno(): knock for knock, s in self._knocks.items()}
        for descriptor in by_descriptor:
            poll.register(descriptor, select.POLLIN)
        seen: set[Knock] = set()
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._stop:
                    return
                knock = by_descriptor[descriptor]
                _take(knock, self._knocks[knock])
                seen.add(knock)
            self._judge(seen)

    def _judge(self, seen: set[Knock]) -> None:
        for (purpose, counter), sequence in self._expected.items():
            if not seen.issuperset(sequence):
                continue
            seen.difference_update(sequence)
            with self._changed:
                if purpose is Purpose.CLOSE:
                    self.closed.append(counter)
                else:
                    self.trains.append(counter)
                    if counter in self.accepts:
                        self.opened.append(counter)
                        opening = threading.Timer(self.opens_after_s, self._admit)
                        opening.daemon = True
                        opening.start()
                self._changed.notify_all()

    def _admit(self) -> None:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self.port))
            listener.listen(1)
            connection, _ = listener.accept()
        with self._changed:
            self.accepted += 1
            self._changed.notify_all()
        with connection, suppress(OSError):
            self.serve(connection)


def _listener(knock: Knock) -> socket.socket:
    tcp = knock.transport is Transport.TCP
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    try:
        made.bind((HOST, knock.port))
        made.setblocking(False)
        if tcp:
            made.listen(16)
    except OSError:
        made.close()
        raise
    return made


def _take(knock: Knock, listener: socket.socket) -> None:
    with suppress(OSError):
        if knock.transport is Transport.UDP:
            listener.recv(16)
        else:
            listener.accept()[0].close()
