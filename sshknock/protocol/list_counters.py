"""Staying in step with a stock knockd, which accepts one sequence at a time: that of the next line.

There is no window. With c the latest confirm and m the highest counter ever sent, the server's next
counter s is in c+1..m+1 unless a confirm was false or its file came from a backup. Nearly always it
is c+1: a train was lost. Else one that was accepted was not noticed. So every other attempt of a
run, from the first on, is c+1; the rest go up from c+1 to m+1, again and again. m grows by one
with each sweep; when three were in vain, they go down from c as well. Where an earlier train than
the last may have opened, and come late, the counters that follow those come right after c+1.

knockd dies with the last line of its list, so that one is never sent. Of those before it the last
few are kept for the login that brings more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sshknock.errors import BadInput
from sshknock.protocol.counters import COUNTER_LIMIT, ClientCounters, doubted
from sshknock.records import record, replace

UNUSABLE = 1
"""Lines at the end of a list that are never used."""

SPARE = 3
"""Lines before these that are only for the login that carries more of them."""

COUNT_LOWEST = 10
COUNT_HIGHEST = 10_000
"""How many lines may be carried at a time."""

SEARCH_UPWARDS = 112
SEARCH_DOWNWARDS = 16
"""Counters that a search tries."""

_LOW = 10
_LOW_SHARE = 10
_NEAREST_AT = 2  # c+1 is tried at every other attempt of a run
_DOWNWARDS = 4
_IN_VAIN = 3  # sweeps
_STRIDE = 16


@record
class SequenceList:
    """What of a secret's open sequences a server has: the counters below ``end``.

    ``first`` was the server's next counter when the last of them were carried there. ``path`` is
    that of the file on the server, empty where it is not known. ``warned`` is when it was last said
    that the list runs low, in Unix seconds.
    """

    first: int
    end: int
    path: str = ""
    warned: int | None = None

    def __post_init__(self) -> None:
        for number in (self.first, self.end, 0 if self.warned is None else self.warned):
            if type(number) is not int or not 0 <= number < COUNTER_LIMIT:
                raise BadInput("a number of the list is out of range")
        if not isinstance(self.path, str):
            raise BadInput("the path of the list is no text")
        if self.first > self.end:
            raise BadInput("the list ends before it begins")

    def limit(self, *, spare: bool = False) -> int:
        """Return the counter from which on none is sent; ``spare`` is for carrying more."""
        return max(0, self.end - UNUSABLE - (0 if spare else SPARE))

    def left(self, confirmed: int) -> int:
        """Return how many logins the list is still good for."""
        return max(0, self.limit() - (confirmed + 1))

    def is_low(self, confirmed: int) -> bool:
        """Tell whether it is time to carry more: ten are left, or a tenth of what was carried."""
        return self.left(confirmed) <= max(_LOW, (self.end - self.first) // _LOW_SHARE)


def next_of_list(counters: ClientCounters, attempt: int, limit: int) -> tuple[int, ClientCounters]:
    """Return the counter of a run's attempt (from 0) and the state to store before sending.

    The caller has seen that c+1 is below ``limit``.
    """
    c, m = counters.confirmed, counters.sent
    top, step = counters.top, counters.step
    if m <= c:
        if counters.doubt:  # this is the first of a sweep: those in doubt are next
            top, step = c + 1, 1
        return c + 1, replace(counters, sent=c + 1, top=top, step=step)
    if attempt % _NEAREST_AT == 0:
        if top is None:  # an earlier run failed: this is the first of a sweep
            top, step = m, 1
        return c + 1, replace(counters, top=top, step=step)
    if top is None or step >= len(sweep(counters, top, limit)):
        top, step = m, 0
    n = sweep(counters, top, limit)[step]
    return n, replace(counters, sent=max(m, n), top=top, step=step + 1)


def sweep(counters: ClientCounters, top: int, limit: int) -> tuple[int, ...]:
    """Return the counters of one sweep, ``top`` being the highest sent when it began.

    Below the confirm are those of a server that a power cut or a backup has set back, and, down to
    the strong counter, those of false confirms.
    """
    c = counters.confirmed
    doubt = (n for n in counters.doubt if n < limit)
    upwards = (c + 1, *doubt, *range(c + 2, min(top + 2, limit)))
    if top < min(c + _IN_VAIN, limit - 1):
        return upwards
    strong = -1 if counters.strong is None else counters.strong
    lowest = max(0, min(strong + 1, c - _DOWNWARDS + 1))
    return (*upwards, *range(c, lowest - 1, -1))


def confirm_of_list(
    counters: ClientCounters, counter: int, window: int, *, trains: Sequence[int], shut: bool
) -> ClientCounters:
    """Return the state after a confirm; see ``ClientCounters.confirm``."""
    after = counters.confirm(counter, window, trains=trains, shut=shut)
    return replace(after, doubt=doubted(trains, counter + 1, 1))


def search_of_list(confirmed: int, limit: int) -> Iterator[int]:
    """Yield the counter of each attempt of a search, some twice: a train may be lost.

    For a client that was restored from a backup, or a server that was. It goes up without a gap,
    as there is one right counter only.
    """
    up = range(confirmed + 1, min(confirmed + 1 + SEARCH_UPWARDS, limit))
    down = range(confirmed, max(confirmed - SEARCH_DOWNWARDS, -1), -1)
    for points in (up[:_STRIDE], down):
        yield from points
        yield from points
    for start in range(_STRIDE, len(up), _STRIDE):
        yield from up[start : start + _STRIDE]
        yield from up[start : start + _STRIDE]


def found_in_list(counters: ClientCounters, following: int) -> ClientCounters:
    """Return the state after the file itself has told the server's next counter."""
    c = following - 1
    return ClientCounters(c, max(c, counters.sent), strong=None if c < 0 else c)
