"""From the last knock to a connection that stands, without waiting for the kernel.

The door opens some milliseconds after the last knock, and a SYN that came too early is sent again
by the kernel only a second later. So new attempts are started every few milliseconds; the first
that stands wins, and the spare ones are closed while they are still on their way: the server
accepts no connection that is not used.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import time
from typing import Protocol

from sshknock.client.route import Route
from sshknock.records import record

FIRST_GAP_S = 0.010
GAP_GROWTH = 1.25
LONGEST_GAP_S = 0.100


class Watch(Protocol):
    """Descriptors whose events mean that nobody waits for the connection any more."""

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Return descriptors and the events to poll them for; any event at all is the end."""


class NoWatch:
    """For commands that are given up by ending the process."""

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Return nothing to watch."""
        return ()


class Abandoned(Exception):
    """The watch reported: the program that asked for the connection is gone."""


@record
class Outcome:
    """How a round of attempts ended.

    ``connection`` is the one that stands, or None; ``refused`` tells that the port answered a SYN
    with a reset; ``rtt_s`` is a round trip, if one was seen; ``error`` the last other error.
    """

    connection: socket.socket | None
    refused: bool = False
    rtt_s: float | None = None
    error: OSError | None = None


class _Round:
    """The attempts that are on their way, and what came of the others."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.pending: dict[int, tuple[socket.socket, float]] = {}
        self.poll = select.poll()
        self.refused = False
        self.rtt_s: float | None = None
        self.error: OSError | None = None

    def start(self) -> socket.socket | None:
        """Start one attempt; return it when it stands at once, as on the loopback."""
        try:
            attempt = self.route.socket(socket.SOCK_STREAM)
        except OSError as error:
            self.error = error
            return None
        started = time.monotonic()
        code = attempt.connect_ex(self.route.address)
        if code == 0:
            return attempt
        if code == errno.EINPROGRESS:
            self.pending[attempt.fileno()] = (attempt, started)
            self.poll.register(attempt.fileno(), select.POLLOUT)
            return None
        self._failed(attempt, code, started)
        return None

    def finish(self, descriptor: int) -> socket.socket | None:
        """Look at an attempt that is over; return it when it stands."""
        attempt, started = self.pending.pop(descriptor)
        self.poll.unregister(descriptor)
        code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code == 0:
            self.rtt_s = time.monotonic() - started
            return attempt
        self._failed(attempt, code, started)
        return None

    def close(self) -> None:
        """Close what is still on its way; such a connection never reaches the server's sshd."""
        for attempt, _ in self.pending.values():
            attempt.close()
        self.pending.clear()

    def _failed(self, attempt: socket.socket, code: int, started: float) -> None:
        attempt.close()
        if code == errno.ECONNREFUSED:  # the door is not open yet
            self.refused = True
            self.rtt_s = time.monotonic() - started
        else:
            self.error = OSError(code, os.strerror(code))


def connect(route: Route, watch: Watch, *, limit_s: float, patient: bool = True) -> Outcome:
    """Try to connect for ``limit_s`` seconds; without ``patient`` until the first answer.

    To the patient a refusal means "not yet". Several SYNs go out either way: one that was lost
    would look like a port that does not answer. Raises Abandoned when the watch reports.
    """
    attempts = _Round(route)
    watched = dict(watch.descriptors())
    for descriptor, events in watched.items():
        attempts.poll.register(descriptor, events)
    try:
        connection = _race(attempts, watched, limit_s, patient=patient)
    finally:
        attempts.close()
    return Outcome(connection, attempts.refused, attempts.rtt_s, attempts.error)


def _race(
    attempts: _Round, watched: dict[int, int], limit_s: float, *, patient: bool
) -> socket.socket | None:
    now = time.monotonic()
    end, due, gap = now + limit_s, now, FIRST_GAP_S
    while now < end:
        if now >= due:
            connection = attempts.start()
            if connection is not None:
                return connection
            due = now + gap
            gap = min(gap * GAP_GROWTH, LONGEST_GAP_S)
        for descriptor, _ in attempts.poll.poll(max(0.0, min(due, end) - time.monotonic()) * 1000):
            if descriptor in watched:
                raise Abandoned
            connection = attempts.finish(descriptor)
            if connection is not None:
                return connection
        if not patient and (attempts.refused or attempts.error):
            return None
        now = time.monotonic()
    return None
