"""How the two sides stay in step, without a message between them.

The server keeps ``next``, the lowest counter that it still accepts; it never decreases. It accepts
a complete open sequence of any n in next..next+W-1, once, and then next becomes n+1.

The client keeps the counter of its latest confirm and the highest that it ever sent. While it is
less than a window ahead of the confirm, a fresh counter is always right, if nothing was lost.
Otherwise it first tries the one counter that is right for every server that moved at most a
window, and then walks a cycle: *up* in steps of a window, so that an attempt that was accepted but
not seen leaves the next point inside the window, and down below the confirm, which heals confirms
that were false because the port stood open to all.

Every state that ``next`` returns is stored before the first packet leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from sshknock.errors import BadInput
from sshknock.records import record, replace

ATTEMPTS = 8
"""Attempts of one run at most, and never more than the window."""

SEARCH_ATTEMPTS = 128
"""Attempts of one search at most."""

COUNTER_LIMIT = 1 << 62
"""Stores refuse counters from here on: SQLite's integers are signed."""


@record
class ClientCounters:
    """The client's place: ``confirmed`` (c), ``sent`` (m), and ``top``, ``step`` of the cycle."""

    confirmed: int = -1
    sent: int = -1
    top: int | None = None
    step: int = 0

    def __post_init__(self) -> None:
        numbers = (self.confirmed, self.sent, self.step, 0 if self.top is None else self.top)
        if any(isinstance(n, bool) or not isinstance(n, int) for n in numbers):
            raise BadInput("a counter is no whole number")
        if not (-1 <= self.confirmed < COUNTER_LIMIT and -1 <= self.sent < COUNTER_LIMIT):
            raise BadInput("a counter is out of range")
        if self.confirmed > self.sent or self.step < 0 or (self.top is not None and self.top < 0):
            raise BadInput("the counters contradict each other")

    def next(self, attempt: int, window: int) -> tuple[int, ClientCounters]:
        """Return the counter of a run's attempt (from 0) and the state to store before sending."""
        c, m = self.confirmed, self.sent
        if m < c + window:
            return m + 1, ClientCounters(c, m + 1)
        if attempt == 0:
            return c + window, self
        top, step = self.top, self.step
        if top is None or step >= len(recovery_points(c, top, window)):
            top, step = m, 0
        counter = recovery_points(c, top, window)[step]
        return counter, ClientCounters(c, max(m, counter), top, step + 1)

    def confirm(self, counter: int) -> ClientCounters:
        """Return the state after an identification line came through the door of ``counter``."""
        return replace(self, confirmed=counter, top=None, step=0)

    def sending(self, counter: int) -> ClientCounters:
        """Return the state to store before a train of any counter is sent, as a search does."""
        return replace(self, sent=max(self.sent, counter))

    def synced(self, counter: int) -> ClientCounters:
        """Return the state after the server said that ``counter`` is the last one gone."""
        return ClientCounters(counter, counter)


def recovery_points(confirmed: int, top: int, window: int) -> tuple[int, ...]:
    """Return the counters of one recovery cycle, in the order in which they are tried."""
    points = []
    point = confirmed + 2 * window
    points.append(point)
    while point < top + 1:
        point += window
        points.append(point)
    lower = (confirmed - k * window for k in range(4))
    points.extend(n for n in lower if n >= 0)
    return tuple(points)


def search_points(confirmed: int, window: int) -> Iterator[int]:
    """Yield the counters of a search: c+W, c, c+2W, c-W, … outwards on both sides, without end."""
    for k in itertools.count():
        yield confirmed + (k + 1) * window
        if confirmed - k * window >= 0:
            yield confirmed - k * window


def attempts_of_a_run(window: int) -> int:
    """Return how many attempts one run of ssh makes at the most."""
    return min(ATTEMPTS, window)


def accepts(next_counter: int, counter: int, window: int) -> bool:
    """Tell whether a server at ``next_counter`` has a door for ``counter``."""
    return next_counter <= counter < next_counter + window
