"""How the two sides stay in step, without a message between them.

The server keeps ``next``, the lowest counter that it still accepts; it never decreases. It accepts
a complete open sequence of any n in next..next+W-1, once, and then next becomes n+1.

The client keeps the counter of its latest confirm and the highest that it ever sent. While it is
less than a window ahead of the confirm, a fresh counter is always right, if nothing was lost.
Otherwise it first tries the one counter that is right for every server that moved at most a window
(right after a confirm, the very next one before it), and then walks a cycle: *up* in steps of a
window, so that an attempt that was accepted but not seen leaves the next point inside the window,
and down below the confirm, which heals confirms that were false because the port stood open to all.

A confirm is *strong* when the port was seen shut in the same run and it goes up by no more than a
window. The server is past every strong one, so that is as far down as a cycle ever has to reach;
and whoever goes without one for too long looks first, which keeps the way short
(``docs/adr/0012-strong-confirms.md``, ``0013-logins-in-a-row.md``).

A train can be so late that the door opens when the run has sent others since. The client confirms
the last of them; where the server would not accept what follows that, the confirm is *in doubt*,
and the next run tries, after what is right if the last train opened, a counter for each of the
others (``docs/adr/0019-late-trains.md``).

Every state that ``next`` returns is stored before the first packet leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from sshknock.errors import BadInput
from sshknock.protocol.parameters import WINDOW_HIGHEST
from sshknock.records import record, replace

ATTEMPTS = 8
"""Attempts of one run at most, and never more than the window."""

SEARCH_COUNTERS = 128
"""Counters that one search tries."""

SEARCH_ATTEMPTS = 2 * SEARCH_COUNTERS
"""Attempts of one search at most."""

_SEARCH_STRIDE = 16

_FAR_AND_AGAIN = 4  # c+W is tried at every fourth attempt of a run
_CONFIRMED, _NEAREST_SENT, _IN_NEED = range(3)  # steps before the first cycle

COUNTER_LIMIT = 1 << 62
"""Stores refuse counters from here on: SQLite's integers are signed."""


@record
class ClientCounters:
    """The client's place: ``confirmed`` (c), ``sent`` (m), and ``top``, ``step`` of the cycle.

    Before the first cycle ``top`` is None, and ``step`` tells what was sent since the confirm.
    The server is past ``strong``: a run that was certainly let in sent nothing lower. None before
    the first such run. ``doubt`` are counters of which one meets the server if it was an earlier
    train of the confirming run that opened; none where all of them agree on what comes next.
    """

    confirmed: int = -1
    sent: int = -1
    top: int | None = None
    step: int = 0
    strong: int | None = None
    doubt: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        optional = tuple(n for n in (self.top, self.strong) if n is not None)
        numbers = (self.confirmed, self.sent, self.step, *optional, *self.doubt)
        if any(isinstance(n, bool) or not isinstance(n, int) for n in numbers):
            raise BadInput("a counter is no whole number")
        if not (-1 <= self.confirmed < COUNTER_LIMIT and -1 <= self.sent < COUNTER_LIMIT):
            raise BadInput("a counter is out of range")
        if not (self.confirmed <= self.sent and self.step >= 0):
            raise BadInput("the counters contradict each other")
        if not all(0 <= n <= self.sent for n in optional):
            raise BadInput("the counters contradict each other")
        highest = min(self.sent + WINDOW_HIGHEST, COUNTER_LIMIT - 1)
        if not all(0 <= n <= highest for n in self.doubt) or len(self.doubt) > ATTEMPTS:
            raise BadInput("the counters in doubt are out of range")
        if len(set(self.doubt)) < len(self.doubt):
            raise BadInput("the counters contradict each other")

    @property
    def is_exact(self) -> bool:
        """Tell whether the last run shows that the server waits for the very next counter."""
        return self.confirmed == self.sent == self.strong

    def is_fresh(self, window: int) -> bool:
        """Tell whether a counter comes next that was never sent, right if nothing was lost."""
        untried = self.top is None and self.step == _CONFIRMED
        return self.sent < self.confirmed + window and (untried or not self.doubt)

    def next(self, attempt: int, window: int) -> tuple[int, ClientCounters]:
        """Return the counter of a run's attempt (from 0) and the state to store before sending."""
        c, m = self.confirmed, self.sent
        if self.is_fresh(window):
            return self.fresh()
        top, step = self.top, self.step
        if top is None and step == _CONFIRMED:
            # Its door is there already; that of c+W the server makes only now, after the confirm.
            return c + 1, replace(self, step=_NEAREST_SENT)
        is_nearest_lost = top is None and step == _NEAREST_SENT and not self.doubt
        if attempt % _FAR_AND_AGAIN == 0 or is_nearest_lost:
            step = step if top is not None else _IN_NEED
            return c + window, replace(self, sent=max(m, c + window), step=step)
        if top is None or step >= sum(map(len, self._cycle(top, window))):
            top, step = m, 0
        counter = self._cycle_point(top, step, window)
        return counter, replace(self, sent=max(m, counter), top=top, step=step + 1)

    def fresh(self) -> tuple[int, ClientCounters]:
        """Return a counter that was never sent, and the state to store before it is."""
        step = _IN_NEED if self.top is None else self.step  # a cycle goes on where it was
        return self.sent + 1, replace(self, sent=self.sent + 1, step=step)

    def recovery_points(self, top: int, window: int) -> tuple[int, ...]:
        """Return the counters of one recovery cycle, in the order in which they are tried.

        Those in doubt come first. Those above the confirm end with the first past ``top``. The last
        ones, from the strong counter up, are there only after a false confirm that went up by many
        windows at once.
        """
        return tuple(itertools.chain(*self._cycle(top, window)))

    def _cycle(self, top: int, window: int) -> tuple[Sequence[int], ...]:
        c, g = self.confirmed, _or_none_yet(self.strong)
        upper = range(c + 2 * window, max(top + 1, c + 2 * window) + window, window)
        lower = range(c, max(c - 4 * window, -1), -window)
        lowest = range(g + window, c - 3 * window, window)
        return self.doubt, upper, lower, lowest

    def _cycle_point(self, top: int, step: int, window: int) -> int:
        for points in self._cycle(top, window):
            if step < len(points):
                return points[step]
            step -= len(points)
        raise AssertionError("a step past the cycle's end")

    def confirm(
        self, counter: int, window: int, *, trains: Sequence[int], shut: bool
    ) -> ClientCounters:
        """Return the state after an identification line came through the door of ``counter``.

        ``trains`` are the counters of this run in the order in which they were sent, that one the
        last. ``shut`` tells that the port was seen shut before the last of them could open it:
        where it stood open, to all or to us, every login looks like a confirm. The table may have
        been lost within the run, and the train that opened may have been an earlier one: so a
        confirm that goes up by more than a window is not a strong one, and a strong one proves no
        more than that the server is past the lowest train.
        """
        first = self.sent + 1 if self.sent < counter + window else counter + 1
        doubt = doubted(trains, first, window)
        after = replace(self, confirmed=counter, top=None, step=_CONFIRMED, doubt=doubt)
        if not shut or counter > self.confirmed + window:
            return after
        known, floor = _or_none_yet(self.strong), min(trains)
        # A counter below what was known: the server's books came from a backup.
        return replace(after, strong=floor if counter < known else max(floor, known))

    def looks_first(self, window: int, *, refuses: bool, admitted: bool) -> bool:
        """Tell whether a run must see, before it sends anything, that the port is really shut.

        ``refuses`` tells that a shut port answers with a reset: then every confirm should be a
        strong one. ``admitted`` that an admission of an earlier run may still stand: then looking
        may show an open port for no reason, so it is put off for some confirms more, but not for
        ever.
        """
        weak = self.confirmed - _or_none_yet(self.strong)
        if weak < 0:  # a confirm of a lower counter, after false ones
            return True
        soonest = 1 if refuses or self.strong is None else window // 2
        return weak >= (window if admitted else soonest)

    def sending(self, counter: int) -> ClientCounters:
        """Return the state to store before a train of any counter is sent, as a search does."""
        return replace(self, sent=max(self.sent, counter))

    def synced(self, counter: int) -> ClientCounters:
        """Return the state after the server said that ``counter`` is the last one gone."""
        return ClientCounters(counter, counter, strong=None if counter < 0 else counter)


def search_points(confirmed: int, window: int) -> Iterator[int]:
    """Yield the counters of a search: c+W, c, c+2W, c-W, … outwards on both sides, without end."""
    for k in itertools.count():
        yield confirmed + (k + 1) * window
        if confirmed - k * window >= 0:
            yield confirmed - k * window


def search_attempts(confirmed: int, window: int) -> Iterator[int]:
    """Yield the counter of each attempt of a search: some counters outwards, and the same back.

    One that was lost on its way must not cost the whole search; and a counter that is far from the
    server's can touch one of its tripwires, which makes it deaf to what follows for a while. On the
    way back other counters follow that one.
    """
    points = tuple(itertools.islice(search_points(confirmed, window), SEARCH_COUNTERS))
    for first in range(0, SEARCH_COUNTERS, _SEARCH_STRIDE):
        some = points[first : first + _SEARCH_STRIDE]
        yield from some
        yield from reversed(some)


def attempts_of_a_run(window: int) -> int:
    """Return how many attempts one run of ssh makes at the most."""
    return min(ATTEMPTS, window)


def doubted(trains: Sequence[int], first: int, window: int) -> tuple[int, ...]:
    """Return counters that meet the server, together with ``first``, whichever train opened.

    That is one in the window after each of a run's trains, lowest first, and as few as can be: no
    more than the run's attempts at the cycle. Of a search only the latest trains count.
    """
    points = [first]
    for train in sorted(trains[-ATTEMPTS:]):
        if not any(n in accepted(train + 1, window) for n in points):
            points.append(train + window)
    return tuple(points[1:])


def accepted(next_counter: int, window: int) -> range:
    """Return the counters that a server at ``next_counter`` has doors for."""
    return range(next_counter, next_counter + window)


def _or_none_yet(counter: int | None) -> int:
    return -1 if counter is None else counter
