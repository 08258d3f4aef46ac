"""Every state that two small sides can get into, and from each of them: they meet, in bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from sshknock.protocol.counters import ClientCounters, accepted
from tests.protocol.pair import (
    after_attempt,
    after_confirm,
    meet,
    next_run_gets_in,
    one_attempt_a_run,
)


class Place(NamedTuple):
    """Both sides, the number of the attempt that comes next in this run of ssh, and its trains."""

    counters: ClientCounters
    next: int
    attempt: int = 0
    trains: tuple[int, ...] = ()

    def in_next_run(self) -> Place:
        """Return the place after the end of this run."""
        return Place(self.counters, self.next)


def after(place: Place, window: int, attempts: int) -> Iterator[Place]:
    """Yield where everything that can happen next leads to.

    A crash or the end of ssh; a train of before that comes late, or is played by whoever has it;
    and an attempt that is lost, or accepted with nobody there to see it, or that gets in by its own
    train or a slow one of this run, or seems to because the port stands open to all. The port may
    come to stand open within a run. A run that must look first cannot be deceived in its first
    attempt. Where the port was seen shut just before, somebody's train did open it. After a confirm
    the next run gets in whichever train of this one it was.
    """
    yield place.in_next_run()
    counters, next_, attempt, trains = place
    for late in accepted(next_, window):
        if late <= counters.sent:
            yield place._replace(next=late + 1)
    counter, sent = after_attempt(counters, attempt, window)
    trains = tuple(sorted({*trains, counter}))
    following = Place(sent, next_, attempt + 1, trains)
    if following.attempt == attempts:
        following = following.in_next_run()
    looked = counters.looks_first(window, refuses=False, admitted=True)
    seen_shut = (True,) if looked and attempt == 0 else (True, False)
    confirmed = [after_confirm(sent, counter, window, trains, shut) for shut in seen_shut]
    for counters in confirmed:
        assert next_run_gets_in(counters, trains, window, attempts), (place, counters)
    yield following
    for opening in trains:
        if opening in accepted(next_, window):
            if opening == counter:
                yield following._replace(next=counter + 1)
            for counters in confirmed:
                yield Place(counters, opening + 1)
    if False in seen_shut:
        yield Place(confirmed[-1], next_)


@pytest.mark.parametrize(
    ("window", "attempts", "highest"),
    [
        (4, 4, 12),
        (4, 2, 12),
        (5, 5, 15),
        pytest.param(4, 4, 15, marks=pytest.mark.long),
        pytest.param(4, 3, 16, marks=pytest.mark.long),
        pytest.param(5, 4, 18, marks=pytest.mark.long),
    ],
)
def test_from_every_state_the_pair_meets_within_the_bound(
    window: int, attempts: int, highest: int
) -> None:
    """All states with counters up to ``highest``: no dead one, and then each run takes one attempt.

    Reached by losses, unseen accepts, crashes, late and slow trains and false confirms in every
    order.
    """
    start = Place(ClientCounters(), 0)
    seen, waiting = {start}, [start]
    while waiting:
        place = waiting.pop()
        if place.attempt == 0:
            meeting = meet(place.counters, place.next, window, attempts)
            assert meeting is not None, place
            assert meeting.attempts <= meeting.allowed, place
            assert one_attempt_a_run(meeting, window), place
        for following in after(place, window, attempts):
            if following.counters.sent <= highest and following not in seen:
                seen.add(following)
                waiting.append(following)
    assert max(place.counters.sent for place in seen) == highest
