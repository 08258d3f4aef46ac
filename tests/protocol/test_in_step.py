"""The two sides as a state machine: whatever happens, they meet again, and nothing works twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sshknock.protocol.counters import (
    SEARCH_COUNTERS,
    ClientCounters,
    accepted,
    attempts_of_a_run,
    search_attempts,
)
from tests.protocol.pair import Server, meet, one_attempt_a_run

LOST = "lost"
UNSEEN = "accepted, but nobody saw: the answer was lost, or sshd is down"
LATE = "under way for so long that others are sent before it arrives"
GOOD = "good"
BEFORE_SAVING = "killed before the counter is saved"
BEFORE_SENDING = "killed between saving and sending"
AFTER_SENDING = "killed when the train has left"
BEFORE_CONFIRMING = "killed before the confirm is saved"
KILLED = (BEFORE_SAVING, BEFORE_SENDING, AFTER_SENDING, BEFORE_CONFIRMING)
OUTCOMES = (LOST, UNSEEN, LATE, GOOD, *KILLED)


class Pair(RuleBasedStateMachine):
    """A client that saves before it sends, a server, and somebody who keeps every train.

    ``stored`` is what the keyring holds: all that is left of a client that was killed.
    """

    @initialize(window=st.sampled_from([4, 5, 8, 16, 32]))
    def enroll(self, window: int) -> None:
        """A fresh pairing."""
        self.window = window
        self.server = Server(window)
        self.stored = ClientCounters()
        self.backups = [self.stored]
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.exposed = False
        self.is_first_run = True
        self.old_backup = False

    # What happens

    @rule(
        outcomes=st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=8),
        strong=st.booleans(),
        admitted=st.booleans(),
    )
    def ssh(self, outcomes: list[str], strong: bool, admitted: bool) -> None:
        """A run of ssh, its attempts ending as they may."""
        self.run(outcomes, strong=strong, admitted=admitted)

    @rule(runs=st.integers(1, 120))
    def off_line(self, runs: int) -> None:
        """Many runs of which nothing arrives."""
        for _ in range(runs):
            self.run([LOST] * attempts_of_a_run(self.window))

    @rule(runs=st.integers(2, 24), outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=24))
    def in_parallel(self, runs: int, outcomes: list[str]) -> None:
        """Runs that wait for each other: each sees the counters that the one before it saved."""
        for outcome, _ in zip(outcomes, range(runs), strict=False):
            self.run([outcome])

    @rule()
    def lose_the_table(self) -> None:
        """The ruleset was flushed: all doors are gone, and the port stands open to all."""
        self.exposed = True

    @rule()
    def rebuild_the_table(self) -> None:
        """It was noticed: the doors are there again, from the counters in the books."""
        self.exposed = False

    @rule(runs=st.integers(1, 40), admitted=st.booleans(), lost=st.integers(0, 7))
    def a_day_exposed(self, runs: int, admitted: bool, lost: int) -> None:
        """Logins all day, the first of them on a bad link."""
        self.exposed = True
        for run in range(runs):
            self.run([LOST] * (lost if run == 0 else 0) + [GOOD], admitted=admitted)
        self.exposed = False

    @precondition(lambda self: self.opens)
    @rule(data=st.data())
    def a_train_comes_late_or_again(self, data: st.DataObject) -> None:
        """The network kept it, or doubled it, or an attacker plays it."""
        counter = data.draw(st.sampled_from(self.opens))
        was_accepted = counter in self.server.accepted
        opened = not self.exposed and self.server.hears_open(counter)
        assert self.old_backup or not (opened and was_accepted)

    @precondition(lambda self: self.closes)
    @rule(data=st.data())
    def a_close_train_comes(self, data: st.DataObject) -> None:
        """The first one that arrives closes; the others find nothing to close."""
        counter = data.draw(st.sampled_from(self.closes))
        was_closed = counter in self.server.closed
        closed = self.server.hears_close(counter)
        assert self.old_backup or not (closed and was_closed)

    @rule(data=st.data())
    def restore_the_client(self, data: st.DataObject) -> None:
        """The keyring comes from a backup."""
        self.stored = data.draw(st.sampled_from(self.backups))
        self.old_backup = True

    @rule(back=st.integers(1, 400))
    def restore_the_server(self, back: int) -> None:
        """The books come from a backup: what was accepted since then is good once more."""
        self.server.next = max(0, self.server.next - back)
        self.old_backup = True

    @rule(killed=st.booleans())
    def sync(self, killed: bool) -> None:
        """Over another way in: the server moves, then the client, if it lives."""
        self.server.at_least(self.stored.sent + 1)
        if not killed:
            self.save(self.stored.synced(self.server.next - 1))

    @rule(attempt=st.integers(0, 7), outcome=st.sampled_from([LOST, UNSEEN, GOOD]))
    def by_hand(self, attempt: int, outcome: str) -> None:
        """``sshknock open``: one attempt, anywhere in what a run of ssh would try."""
        counter, counters = self.stored.next(attempt, self.window)
        self.save(counters)
        self.opens.append(counter)
        opened = outcome != LOST and not self.exposed and self.server.hears_open(counter)
        if opened and outcome == GOOD:
            self.save(counters.confirm(counter, self.window, trains=[counter], shut=False))

    @rule()
    def search(self) -> None:
        """``sync --search``, on a good network."""
        if not self.exposed:
            self.look_for()

    # What is true

    @invariant()
    def nothing_was_accepted_twice(self) -> None:
        """The server's past never comes back, unless somebody restored it."""
        if hasattr(self, "server") and not self.old_backup:
            taken, closed = self.server.accepted, self.server.closed
            assert (len(set(taken)), len(set(closed))) == (len(taken), len(closed))

    def teardown(self) -> None:
        """All is well again: they meet within the bound, and then each run takes one attempt."""
        if not hasattr(self, "server"):
            return
        attempts = attempts_of_a_run(self.window)
        if self.old_backup:
            self.after_a_restored_backup()
        meeting = meet(self.stored, self.server.next, self.window, attempts)
        assert meeting is not None
        assert meeting.attempts <= meeting.allowed
        assert one_attempt_a_run(meeting, self.window)

    def after_a_restored_backup(self) -> None:
        """A search finds what is within its reach; beyond it, ``sync`` always helps.

        And after ``sync`` nothing that the client ever sent since that backup works again.
        """
        far = abs(self.server.next - self.stored.confirmed)
        found = self.look_for()
        assert found or far > (SEARCH_COUNTERS // 2 - 2) * self.window
        if not found:
            self.sync(killed=False)
            assert self.stored.sent < self.server.next

    # The pieces

    def save(self, counters: ClientCounters) -> None:
        """Write the keyring."""
        self.stored = counters
        if len(self.backups) < 50:
            self.backups.append(counters)

    def run(self, outcomes: list[str], *, strong: bool = True, admitted: bool = False) -> None:
        """One run of ssh, as the proxy does it."""
        first, self.is_first_run = self.is_first_run, False
        looks = not first and self.stored.looks_first(self.window, refuses=False, admitted=admitted)
        if looks and self.exposed and outcomes[:1] == [GOOD]:
            return  # it sees that, uses the connection, and burns nothing
        trains: list[int] = []
        late: list[int] = []
        for attempt, outcome in enumerate(outcomes[: attempts_of_a_run(self.window)]):
            if outcome == BEFORE_SAVING:
                return
            counter, counters = self.stored.next(attempt, self.window)
            self.save(counters)
            if outcome == BEFORE_SENDING:
                return
            self.opens.append(counter)
            trains.append(counter)
            if outcome == LATE:
                late.append(counter)
            heard = {LOST: [], LATE: [], GOOD: [*late, counter]}.get(outcome, [counter])
            opened = not self.exposed and any(map(self.server.hears_open, heard))
            if outcome in KILLED:
                return
            if outcome == GOOD and (opened or self.exposed):
                shut = strong and opened
                self.save(counters.confirm(counter, self.window, trains=trains, shut=shut))
                self.closes.append(counter)
                assert self.exposed or self.next_run_gets_in()
                return

    def next_run_gets_in(self) -> bool:
        """Tell whether ssh would come in now, nothing lost."""
        attempts = attempts_of_a_run(self.window)
        meeting = meet(self.stored, self.server.next, self.window, attempts)
        return meeting is not None and meeting.attempts <= attempts

    def look_for(self) -> bool:
        """Search as the client does; tell whether it was found."""
        for counter in search_attempts(self.stored.confirmed, self.window):
            self.save(self.stored.sending(counter))
            self.opens.append(counter)
            if counter in accepted(self.server.next, self.window):
                self.server.hears_open(counter)
                self.save(self.stored.confirm(counter, self.window, trains=[counter], shut=True))
                return True
        return False


def _play(**limits: Any) -> None:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(Pair, settings=settings(suppress_health_check=quiet, **limits))


def test_the_pair_always_meets_again() -> None:
    """Thousands of steps."""
    _play(max_examples=100, stateful_step_count=30)


@pytest.mark.long
def test_the_pair_always_meets_again_in_the_long_run() -> None:
    """Tens of thousands of steps."""
    _play(max_examples=600, stateful_step_count=60)
