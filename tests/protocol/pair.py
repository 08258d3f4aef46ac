"""Both sides of a pairing and what can happen between them, for the proofs beside this file."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil

from sshknock.protocol.counters import ClientCounters, accepted, attempts_of_a_run


@dataclass
class Server:
    """What the kernel and the books do: accept once, never go back, close each door once."""

    window: int
    next: int = 0
    accepted: list[int] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)

    def hears_open(self, counter: int) -> bool:
        """Take a whole open train that arrived; tell whether it opened."""
        if counter not in accepted(self.next, self.window):
            return False
        self.accepted.append(counter)
        self.sessions.append(counter)
        self.next = counter + 1
        return True

    def hears_close(self, counter: int) -> bool:
        """Take a whole close train that arrived; tell whether it closed anything."""
        if counter not in self.sessions:
            return False
        self.sessions.remove(counter)
        self.closed.append(counter)
        return True

    def at_least(self, counter: int) -> None:
        """Move up to a counter, as ``sync`` says; never down."""
        self.next = max(self.next, counter)


@dataclass(frozen=True)
class Meeting:
    """How a pair met on a good network: attempts, what the design allows, both sides after."""

    attempts: int
    allowed: float
    counters: ClientCounters
    next: int


@lru_cache(1 << 18)
def after_attempt(
    counters: ClientCounters, attempt: int, window: int
) -> tuple[int, ClientCounters]:
    """Work out ``next``, once for each question: a search of all states asks it again and again."""
    return counters.next(attempt, window)


@lru_cache(1 << 18)
def after_confirm(
    counters: ClientCounters, counter: int, window: int, trains: tuple[int, ...], shut: bool
) -> ClientCounters:
    """Work out ``confirm``, once for each question."""
    return counters.confirm(counter, window, trains=trains, shut=shut)


def meet(counters: ClientCounters, next_: int, window: int, attempts: int) -> Meeting | None:
    """Let runs of some attempts follow each other, nothing lost; None if they would never meet.

    What is allowed: the rest of a cycle that was begun, one whole cycle of P points, each fourth
    attempt of a run, which is beside the cycle, and one run more; and the fresh counters, where a
    window has more of them than a run has attempts. With four or eight attempts a run that is
    8 (P + 1) / 3 and a run or a window.
    """
    points = len(counters.recovery_points(max(counters.sent, 0), window))
    in_cycle = attempts - ceil(attempts / 4)
    allowed = 2 * (points + 1) * attempts / in_cycle + max(attempts, window)
    for spent in range(0, 4 * attempts * (points + window), attempts):
        trains: tuple[int, ...] = ()
        for attempt in range(attempts):
            counter, counters = after_attempt(counters, attempt, window)
            trains = (*trains, counter)
            if counter in accepted(next_, window):
                after = after_confirm(counters, counter, window, trains, shut=True)
                return Meeting(spent + attempt + 1, allowed, after, counter + 1)
    return None


@lru_cache(1 << 18)
def next_run_gets_in(
    counters: ClientCounters, trains: tuple[int, ...], window: int, attempts: int
) -> bool:
    """Tell whether the run after a confirm gets in, nothing lost, whichever train had opened."""
    meetings = [meet(counters, train + 1, window, attempts) for train in trains]
    return all(found is not None and found.attempts <= attempts for found in meetings)


def one_attempt_a_run(meeting: Meeting, window: int) -> bool:
    """Tell whether the runs after a meeting take one attempt each, nothing lost."""
    counters, next_ = meeting.counters, meeting.next
    for _ in range(3):
        again = meet(counters, next_, window, attempts_of_a_run(window))
        if again is None or again.attempts != 1:
            return False
        counters, next_ = again.counters, again.next
    return True
