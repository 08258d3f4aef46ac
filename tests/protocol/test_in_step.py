"""The two sides as a state machine: whatever happens, they meet again, and nothing works twice."""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sshknock.protocol.counters import (
    ClientCounters,
    accepts,
    attempts_of_a_run,
    recovery_points,
)

FALSE_CONFIRMS = 2
"""In a row. After a long time off line each carries c up by a window; the cycle goes down by three,
so more of them part the two until ``sync``."""

LOST, UNSEEN, GOOD = "lost", "accepted, not observed", "good"


@dataclass
class Server:
    """What the kernel and the books do: accept once, never go back."""

    window: int
    next: int = 0
    accepted: list[int] = field(default_factory=list)

    def hears(self, counter: int) -> bool:
        """Take a whole train that arrived; tell whether it opened."""
        if not accepts(self.next, counter, self.window):
            return False
        self.accepted.append(counter)
        self.next = counter + 1
        return True


class Pair(RuleBasedStateMachine):
    """A client that stores before it sends, a server, an attacker who keeps every train."""

    @initialize(window=st.sampled_from([4, 8, 16]))
    def enroll(self, window: int) -> None:
        """A fresh pairing."""
        self.window = window
        self.server = Server(window)
        self.client = ClientCounters()
        self.seen: list[int] = []
        self.weak = 0

    def send(self, attempt: int) -> int:
        """Store, then send: what was stored is what a crash leaves."""
        counter, self.client = self.client.next(attempt, self.window)
        self.seen.append(counter)
        return counter

    def confirm(self, counter: int, *, strong: bool) -> None:
        """An identification line came through the door, or seemed to."""
        self.client = self.client.confirm(counter)
        self.weak = 0 if strong else self.weak + 1

    def run(self, outcomes: list[str]) -> int | None:
        """One ssh; the number of attempts that it took, None when it failed."""
        for attempt, outcome in enumerate(outcomes[: attempts_of_a_run(self.window)]):
            counter = self.send(attempt)
            if outcome != LOST and self.server.hears(counter) and outcome == GOOD:
                self.confirm(counter, strong=True)
                return attempt + 1
        return None

    @rule(outcomes=st.lists(st.sampled_from([LOST, UNSEEN, GOOD]), min_size=1, max_size=8))
    def ssh(self, outcomes: list[str]) -> None:
        """A login on a bad link, or with an sshd that is down while the knocks arrive."""
        self.run(outcomes)

    @rule(runs=st.integers(1, 120))
    def off_line(self, runs: int) -> None:
        """Many runs of which nothing arrives."""
        for _ in range(runs):
            self.run([LOST] * 8)

    @rule(attempt=st.integers(0, 7), arrived=st.booleans())
    def crash(self, attempt: int, arrived: bool) -> None:
        """The client dies after it stored, before or after its train arrived."""
        counter = self.send(attempt)
        if arrived:
            self.server.hears(counter)

    @precondition(lambda self: self.weak < FALSE_CONFIRMS)
    @rule()
    def login_while_exposed(self) -> None:
        """The table was flushed: no train opens anything, and the login looks like a confirm.

        A run that follows such a confirm looks first whether the port is hidden, where strangers
        are answered by a reset.
        """
        self.confirm(self.send(0), strong=False)

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """An attacker plays a train that was once sent; one that never arrived may open."""
        counter = data.draw(st.sampled_from(self.seen))
        was_accepted = counter in self.server.accepted
        opened = self.server.hears(counter)
        assert not (opened and was_accepted)

    @rule()
    def sync(self) -> None:
        """Over another way in: the server moves, then the client."""
        self.server.next = max(self.server.next, self.client.sent + 1)
        self.client = self.client.synced(self.server.next - 1)
        self.weak = 0

    @invariant()
    def no_counter_was_accepted_twice(self) -> None:
        """The server's past never comes back."""
        accepted = getattr(self, "server", Server(8)).accepted
        assert len(accepted) == len(set(accepted))

    def teardown(self) -> None:
        """The network is back: they meet in bounded attempts, and then each run takes one."""
        if not hasattr(self, "server"):
            return
        top = max(self.client.sent, 0)
        points = len(recovery_points(self.client.confirmed, top, self.window))
        bound = 4 * (points + self.window)
        spent = 0
        while self.run([GOOD] * 8) is None:
            spent += attempts_of_a_run(self.window)
            assert spent <= bound
        assert [self.run([GOOD] * 8) for _ in range(3)] == [1, 1, 1]


Pair.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestPair = Pair.TestCase
