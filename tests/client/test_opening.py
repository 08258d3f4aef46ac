"""How long a run tries, and what it says when the machine itself cannot send."""

from __future__ import annotations

import errno
import itertools
import socket
from typing import Any

import pytest

from sshknock.client import opening as openings
from sshknock.client.connect import NoWatch, Outcome
from sshknock.client.knock import NothingSent, send_train
from sshknock.client.opening import Opening, send_close
from sshknock.client.route import Route, resolve
from sshknock.errors import NotOpened, SshknockError
from sshknock.protocol.counters import ClientCounters, attempts_of_a_run
from sshknock.protocol.knocks import Sequence
from sshknock.records import replace
from tests.client.conftest import pair
from tests.client.door import HOST, Door


@pytest.mark.parametrize(
    ("sent", "counters"), [(0, ClientCounters()), (1, ClientCounters().next(0, 8)[1])]
)
def test_that_nothing_was_sent_is_said_only_when_it_is_so(
    monkeypatch: pytest.MonkeyPatch, sent: int, counters: ClientCounters
) -> None:
    """The network goes before the first train, or between two: counted is what was sent."""
    trains = itertools.count()

    def send(*_: object, **__: object) -> None:
        if next(trains) >= sent:
            raise NothingSent(OSError(errno.ENETUNREACH, "Network is unreachable"))

    monkeypatch.setattr(openings, "send_train", send)
    with Door(accept_from=100) as door:
        store = pair(door)
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        with pytest.raises(SshknockError, match="cannot send") as caught:
            opening.attempt_all(2)
    assert (caught.value.hint == "nothing was sent") is (sent == 0)
    assert store.load().counters == counters


def blocked(route: Route, *_: object, **__: object) -> None:
    """Be a kernel that lets nothing out; the reason names the family."""
    raise NothingSent(OSError(errno.EPERM, f"not by {route.address[0]}"))


def both_ways(port: int) -> Route:
    """Return a way by IPv6 whose alternative is by IPv4, where the door is."""
    return replace(resolve("::1", port), alternative=resolve(HOST, port))


def test_a_family_that_this_machine_blocks_is_left_for_the_other(
    monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    """A VPN lets no IPv6 out: the same train goes by IPv4, the connection and the close, too."""

    def send(route: Route, sequence: Sequence, **options: Any) -> None:
        (blocked if route.family == socket.AF_INET6 else send_train)(route, sequence, **options)

    monkeypatch.setattr(openings, "send_train", send)
    store = pair(door)
    way = both_ways(door.port)
    opening = Opening(store, store.load(), way, NoWatch())
    with opening.attempt_all(1) as connection:
        assert connection.getpeername()[0] == HOST
    assert (opening.counter, opening.state.counters.sent) == (0, 0)
    send_close(way, opening.state, 0)
    assert door.wait_for(lambda: door.closed == [0])
    assert door.trains == [0]


def test_where_both_families_are_blocked_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    """The reason is that of the family that comes first, and the counter is taken back."""
    monkeypatch.setattr(openings, "send_train", blocked)
    store = pair(door)
    opening = Opening(store, store.load(), both_ways(door.port), NoWatch())
    with pytest.raises(SshknockError, match="cannot send to ::1: not by ::1") as caught:
        opening.attempt_all(8)
    assert "firewall on this machine forbids it: 'sshknock doctor box'" in (caught.value.hint or "")
    assert store.load().counters == ClientCounters()


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now

    time = monotonic


class Closed:
    """A server that answers after ``rtt_s``, and never opens; ``limits`` are of the attempts."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rtt_s = 0.001
        self.refuses = False
        self.limits: list[float] = []

    def send_train(
        self, _: object, sequence: Sequence, *, pacing_s: float, flush: bool = False
    ) -> None:
        """Let the time of a train pass."""
        self.clock.now += pacing_s * (len(sequence) - 1 + flush)

    def connect(self, *_: object, limit_s: float) -> Outcome:
        """Let the time of an attempt pass."""
        self.limits.append(limit_s)
        self.clock.now += limit_s
        return Outcome(None, refused=self.refuses, rtt_s=self.rtt_s)

    def run(self, attempts: int) -> list[float]:
        """Return the limits of a run's attempts."""
        self.limits = []
        with Door(accept_from=100) as door:
            store = pair(door)
            opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
            with pytest.raises(NotOpened):
                opening.attempt_all(attempts)
        return self.limits


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Closed:
    """Return a server that stays closed, on a clock of its own."""
    clock = Clock()
    server = Closed(clock)
    monkeypatch.setattr(openings, "time", clock)
    monkeypatch.setattr(openings, "send_train", server.send_train)
    monkeypatch.setattr(openings, "connect", server.connect)
    return server


def test_no_two_runs_keep_the_same_time(closed: Closed) -> None:
    """Two clients behind one address, whose trains broke each other, drift apart by chance."""
    firsts = [closed.run(1)[0] for _ in range(8)]
    assert len(set(firsts)) == 8
    assert max(firsts) - min(firsts) > 0.05


def test_a_distant_server_is_waited_for(closed: Closed) -> None:
    """Once a round trip was seen, no attempt is given up before three of them are over."""
    closed.rtt_s = 0.5
    first, second, third = closed.run(3)
    assert 0.5 <= first < 1.1
    assert 1.5 < second < 2.5
    assert 1.5 < third < 2.5


@pytest.mark.parametrize("rtt_s", [0.001, 0.16, 0.6, 1.4])
def test_a_run_ends_in_time_and_follows_every_train(closed: Closed, rtt_s: float) -> None:
    """All attempts are over within 15 s, and the last of them had its time as well."""
    closed.rtt_s = rtt_s
    started = closed.clock.now
    limits = closed.run(8)
    assert closed.clock.now - started <= 15
    assert min(limits[1:]) >= max(0.5, 3 * rtt_s)
    assert len(limits) == 8 or rtt_s > 0.2


@pytest.mark.parametrize(
    ("refused", "runs", "named"), [(True, 1, True), (False, 1, False), (False, 2, True)]
)
def test_a_search_is_named_where_it_is_likely_to_help(
    closed: Closed, refused: bool, runs: int, named: bool
) -> None:
    """The server answers, or a second run did not meet it; one that is mute may just be down."""
    closed.refuses = refused
    with Door(accept_from=100) as door:
        store = pair(door)
        for _ in range(runs):
            opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
            with pytest.raises(NotOpened) as caught:
                opening.attempt_all(attempts_of_a_run(store.load().parameters.window))
    hint = str(caught.value.hint)
    assert "'sshknock doctor box'" in hint
    assert hint.endswith("sshknock sync box --search") is named


def test_a_run_that_goes_on_late_sends_no_train_that_it_cannot_follow(closed: Closed) -> None:
    """An sshd that hung up after 14 s: what is left is too short, and no counter is burnt."""
    with Door(accept_from=100) as door:
        store = pair(door)
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        opening.send_train(0)
        closed.clock.now += 14.9
        with pytest.raises(NotOpened, match="in 1 attempt "):
            opening.attempt_all(7, first=1)
    assert store.load().counters.sent == 0


def test_a_login_by_a_late_train_puts_the_confirm_in_doubt(
    monkeypatch: pytest.MonkeyPatch, door: Door
) -> None:
    """The last train is confirmed, and what an earlier one would mean is kept for the next run."""
    with socket.socket() as connection:
        outcomes = [SHUT, SHUT, replace(REFUSED, connection=connection)]
        monkeypatch.setattr(openings, "send_train", lambda *_, **__: None)
        monkeypatch.setattr(openings, "connect", lambda *_, **__: outcomes.pop(0))
        store = pair(door, counters=ClientCounters(-1, 31, step=2))
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        opening.attempt_all(8)
        assert opening.confirm() == 23
    assert store.load().counters == ClientCounters(23, 31, doubt=(15, 23))


@pytest.mark.parametrize(("trains", "stored"), [(1, 700), (2, 20)])
def test_what_a_line_held_back_is_not_taken_for_a_round_trip(
    monkeypatch: pytest.MonkeyPatch, door: Door, trains: int, stored: int
) -> None:
    """It is measured where the first train opened; else the next run would have few attempts."""
    with socket.socket() as connection:
        outcomes = [*[SHUT] * (trains - 1), Outcome(connection, rtt_s=0.7)]
        monkeypatch.setattr(openings, "send_train", lambda *_, **__: None)
        monkeypatch.setattr(openings, "connect", lambda *_, **__: outcomes.pop(0))
        store = pair(door, rtt_ms=20)
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        opening.attempt_all(8)
        opening.confirm()
    assert store.load().rtt_ms == stored


def test_in_doubt_a_run_makes_all_its_attempts_though_the_host_is_distant(
    closed: Closed, door: Door
) -> None:
    """So that each counter in doubt is tried."""
    closed.rtt_s = 0.6
    doubtful = ClientCounters(39, 39, doubt=(15, 23))
    store = pair(door, counters=doubtful, rtt_ms=600)
    opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
    with pytest.raises(NotOpened, match="in 8 attempts"):
        opening.attempt_all(8)


SHUT, REFUSED = Outcome(None), Outcome(None, refused=True, rtt_s=0.01)
NO_ROUTE = Outcome(None, error=OSError(errno.EHOSTUNREACH, "No route to host"))


@pytest.mark.parametrize(
    ("probed", "attempts", "strong"),
    [
        pytest.param(None, [(REFUSED, 0.01)], True, id="refused after the last train"),
        pytest.param(None, [(SHUT, 0.01)], False, id="silent, and never looked at"),
        pytest.param(SHUT, [(SHUT, 0.01)], True, id="a probe just before"),
        pytest.param(NO_ROUTE, [(SHUT, 0.01)], False, id="a probe that never left"),
        pytest.param(SHUT, [(SHUT, 0.7)], False, id="a probe that was shorter than a round trip"),
        pytest.param(SHUT, [(SHUT, None), (SHUT, 0.01)], False, id="a probe long ago"),
        pytest.param(None, [(REFUSED, None), (SHUT, 0.01)], False, id="refused long ago"),
    ],
)
def test_when_the_port_counts_as_seen_shut(
    monkeypatch: pytest.MonkeyPatch,
    door: Door,
    probed: Outcome | None,
    attempts: list[tuple[Outcome, float | None]],
    strong: bool,
) -> None:
    """Just before the last train could open it, and by nothing that may have been a loss.

    Each attempt is what was seen of the port, and the round trip if it then let us in.
    """
    outcomes = [] if probed is None else [probed]
    with socket.socket() as connection:
        for seen, rtt_s in attempts:
            let_in = {} if rtt_s is None else {"connection": connection, "rtt_s": rtt_s}
            outcomes.append(replace(seen, **let_in))
        monkeypatch.setattr(openings, "send_train", lambda *_, **__: None)
        monkeypatch.setattr(openings, "connect", lambda *_, **__: outcomes.pop(0))
        store = pair(door)
        store.save(replace(store.load(), rtt_ms=20))
        opening = Opening(store, store.load(), resolve(HOST, door.port), NoWatch())
        if probed is not None:
            assert opening.probe() is None
        opening.attempt_all(8)
        opening.confirm()
    assert (store.load().counters.strong is not None) is strong
