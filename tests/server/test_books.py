"""The books: counters only grow, tickets are never issued twice, sessions come and go."""

import ipaddress
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sshknock.errors import SystemFault, UsageError
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.server import books, proc
from sshknock.server.books import Login
from sshknock.server.config import Config, Hook
from sshknock.server.firewall.kernel import Used
from sshknock.server.store import Store, Ticket, log

HERE = ipaddress.ip_address("192.0.2.7")
CONFIG = Config("eth0", timeout_s=30)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Fresh books with one pairing and its window of tickets."""
    opened = Store(tmp_path / "state.db")
    with opened.transaction():
        opened.add_pairing("laptop", hosts=("h",), port=22, parameters=Parameters(), now=1)
        books.issue_tickets(opened, generation=1, close_doors=99)
    yield opened
    opened.close()


def ticket(store: Store, counter: int, purpose: Purpose = Purpose.OPEN) -> Ticket:
    """The ticket of a counter's door."""
    return next(t for t in store.tickets() if (t.counter, t.purpose) == (counter, purpose))


def use(store: Store, *tickets: Ticket, now: int = 100) -> None:
    """Let the kernel tell that tickets were taken."""
    with store.transaction():
        books.take_in(store, [Used(t.id, HERE) for t in tickets], now=now, not_before=0)
        books.issue_tickets(store, generation=2, close_doors=99)


def test_a_used_door_moves_the_counter_and_begins_a_session(store: Store) -> None:
    """Next becomes n+1, the doors below close, a close door appears."""
    use(store, ticket(store, 3))
    pairing = store.pairing("laptop")
    assert (pairing.next, pairing.last_open, pairing.last_address) == (4, 100, "192.0.2.7")
    opens = [t.counter for t in store.tickets() if t.purpose is Purpose.OPEN]
    assert sorted(opens) == list(range(4, 12))
    assert ticket(store, 3, Purpose.CLOSE)
    assert [s.counter for s in store.sessions()] == [3]


def test_entering_a_used_ticket_twice_changes_nothing_more(store: Store) -> None:
    """A mark that outlived a kill is entered once."""
    first = ticket(store, 0)
    use(store, first)
    before = (store.pairings(), store.tickets(), store.sessions(), store.events(50))
    use(store, first)
    assert (store.pairings(), store.tickets(), store.sessions(), store.events(50)) == before


def test_two_doors_used_before_anybody_looked_are_both_entered(store: Store) -> None:
    """In the order of their counters, whatever order the kernel tells them in."""
    low, high = ticket(store, 1), ticket(store, 4)
    use(store, high, low)
    assert store.pairing("laptop").next == 5
    assert [s.counter for s in store.sessions()] == [1, 4]


def test_a_close_door_ends_the_session_and_is_gone(store: Store) -> None:
    """Close n is one-time and ends the session in the books."""
    use(store, ticket(store, 0))
    use(store, ticket(store, 0, Purpose.CLOSE))
    assert store.sessions() == []
    assert all(t.purpose is Purpose.OPEN for t in store.tickets())


def test_a_ticket_s_id_is_never_issued_again(store: Store) -> None:
    """Not even after all of them were withdrawn, as when the table was lost."""
    issued = {t.id for t in store.tickets()}
    for generation in range(2, 5):
        with store.transaction():
            store.withdraw_all()
            books.issue_tickets(store, generation, 99)
        fresh = {t.id for t in store.tickets()}
        assert not fresh & issued
        issued |= fresh


def test_a_door_that_is_to_go_and_is_used_first_is_entered(store: Store) -> None:
    """A process was killed, or lost a race, between the books and the kernel: nothing is lost."""
    going = ticket(store, 2)
    with store.transaction():
        store.retire(going.id)
    assert going not in store.tickets()
    use(store, going)
    assert store.pairing("laptop").next == 3


def test_a_door_that_went_is_forgotten_once_the_kernel_has_forgotten_it(store: Store) -> None:
    """Its mark, should there be one, means nothing any more."""
    gone = ticket(store, 2)
    with store.transaction():
        store.retire(gone.id)
        store.forget_retired()
    use(store, gone)
    assert store.pairing("laptop").next == 0
    assert ticket(store, 2).id > gone.id


def test_a_door_that_is_wanted_again_before_it_went_keeps_its_ticket(store: Store) -> None:
    """The kernel still holds it."""
    kept = ticket(store, 2)
    with store.transaction():
        store.retire(kept.id)
        books.issue_tickets(store, generation=2, close_doors=99)
    assert ticket(store, 2) == kept


def test_what_a_client_in_step_may_send_includes_close_trains_before_their_doors(
    store: Store,
) -> None:
    """None of it may be a tripwire."""
    pairing = store.pairing("laptop")
    for counter in range(8):
        for purpose in Purpose:
            sequence = derive(pairing.secret, purpose, counter, pairing.parameters)
            assert set(sequence) <= books.knocks(store)


def test_next_never_decreases(store: Store) -> None:
    """Whatever is asked of the books."""
    with store.transaction():
        store.move_on(1, to=50, address="192.0.2.7", now=1)
        store.move_on(1, to=20, address="192.0.2.7", now=2)
    assert store.pairing("laptop").next == 50


def test_the_last_counter_of_all_is_the_end_of_one_pairing_only(store: Store) -> None:
    """It opens once; then that pairing has no door, the log says so, and the others go on."""
    with store.transaction():
        store.add_pairing("other", hosts=("h",), port=22, parameters=Parameters(), now=1)
        store.raise_next(1, COUNTER_LIMIT - 1)
        books.issue_tickets(store, generation=2, close_doors=99)
    last, others = ticket(store, COUNTER_LIMIT - 1), ticket(store, 0)
    assert [t.counter for t in store.tickets() if t.pairing == 1] == [COUNTER_LIMIT - 1]
    use(store, last, others)
    assert [p.next for p in store.pairings()] == [COUNTER_LIMIT, 1]
    assert [t.purpose for t in store.tickets() if t.pairing == 1] == [Purpose.CLOSE]
    assert [(e.kind, e.pairing) for e in store.events(9) if e.kind == "used-up"] == [
        ("used-up", "laptop")
    ]
    with store.transaction():
        store.raise_next(1, COUNTER_LIMIT + 5)
    assert store.pairing("laptop").next == COUNTER_LIMIT


def test_a_session_ends_with_the_sshd_that_serves_it(store: Store) -> None:
    """And only with that process: a number that was given again is another process."""
    use(store, ticket(store, 0))
    started = proc.started(os.getpid()) or 0
    with store.transaction():
        books.attach(store, Login(HERE, 50000, os.getpid(), started), now=100)
        books.end_sessions(store, CONFIG, frozenset(), now=10_000)
    assert len(store.sessions()) == 1
    with store.transaction():
        store.attach(store.sessions()[0].id, peer_port=1, pid=os.getpid(), started=started + 1)
        books.end_sessions(store, CONFIG, frozenset(), now=10_000)
    assert store.sessions() == []


def test_a_session_nobody_logged_in_to_ends_with_its_admission(store: Store) -> None:
    """A door that was opened and never used does not count for ever."""
    use(store, ticket(store, 0))
    with store.transaction():
        books.end_sessions(store, CONFIG, frozenset({HERE}), now=200)
    assert len(store.sessions()) == 1
    with store.transaction():
        books.end_sessions(store, CONFIG, frozenset(), now=201)
    assert store.sessions() == []


def test_an_sshd_that_began_before_the_door_opened_serves_another_session(store: Store) -> None:
    """Its own session was closed by the client before anybody could tell whose it was."""
    with store.transaction():
        books.take_in(store, [Used(ticket(store, 0).id, HERE)], now=100, not_before=5000)
        books.attach(store, Login(HERE, 50000, 4711, 4999), now=100)
    assert [s.sshd_pid for s in store.sessions()] == [None]
    with store.transaction():
        books.attach(store, Login(HERE, 50001, 4712, 5000), now=100)
    assert [s.sshd_pid for s in store.sessions()] == [4712]


def test_one_sshd_is_one_session_however_often_it_is_told(store: Store) -> None:
    """ForceCommand runs once a channel; a second session waits for its own."""
    use(store, ticket(store, 0), ticket(store, 1))
    with store.transaction():
        for _ in range(3):
            books.attach(store, Login(HERE, 50000, 4711, 1), now=100)
    assert [s.sshd_pid for s in store.sessions()] == [4711, None]


def told(store: Store) -> list[tuple[str, int | None, str]]:
    """What the log says: events, counters and details."""
    return [(event.kind, event.counter, event.detail) for event in store.events()]


def test_the_log_tells_a_visit_from_its_knock_to_its_end(store: Store) -> None:
    """Who came in, by which connection, for how long, and what ended it."""
    use(store, ticket(store, 3), now=100)
    with store.transaction():
        books.attach(
            store, Login(HERE, 50000, os.getpid(), proc.started(os.getpid()) or 0), now=101
        )
    use(store, ticket(store, 3, Purpose.CLOSE), now=285)
    assert told(store) == [
        ("open", 3, ""),
        ("login", 3, "from port 50000"),
        ("close", 3, "after 3 min"),
    ]
    assert {(event.pairing, event.address) for event in store.events()} == {("laptop", str(HERE))}


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        (Hook.PAM, ("unused", 0, "nobody logged in")),
        (Hook.NONE, ("end", 0, "after 9 s")),
    ],
)
def test_a_door_that_nobody_went_through_is_told_apart(
    store: Store, hook: Hook, expected: tuple[str, int, str]
) -> None:
    """Where logins are noticed at all, and when no hook can be on its way any more."""
    use(store, ticket(store, 0), now=100)
    for now in (109, 112, 119, 130):
        with store.transaction():
            books.end_sessions(store, replace(CONFIG, hook=hook), frozenset(), now=now)
    assert told(store) == [("open", 0, ""), expected]


def test_a_session_whose_login_is_told_after_its_end_was_used(store: Store) -> None:
    """It was short, and its hook waited for its turn."""
    use(store, ticket(store, 0), now=100)
    with store.transaction():
        books.end_sessions(store, CONFIG, frozenset(), now=101)
        books.attach(store, Login(HERE, 50000, 4711, 1), now=105)
        books.end_sessions(store, CONFIG, frozenset(), now=130)
    assert [line[0] for line in told(store)] == ["open", "login", "end"]


def test_a_login_that_is_told_after_its_end_is_in_the_log(store: Store) -> None:
    """Once, and neither for the door of a session that has yet to begin nor long after.

    A short session may be closed before its hook gets its turn.
    """
    use(store, ticket(store, 0), now=100)
    use(store, ticket(store, 0, Purpose.CLOSE), now=101)
    with store.transaction():
        books.take_in(store, [Used(ticket(store, 1).id, HERE)], now=102, not_before=5000)
        books.attach(store, Login(HERE, 50000, 4711, 4999), now=102)
        books.attach(store, Login(HERE, 50000, 4711, 4999), now=102)
        books.issue_tickets(store, generation=3, close_doors=99)
    assert [line for line in told(store) if line[0] == "login"] == [("login", 0, "from port 50000")]
    use(store, ticket(store, 1, Purpose.CLOSE), now=103)
    with store.transaction():
        books.attach(store, Login(HERE, 50000, 4711, 4999), now=1000)
    assert [line[1] for line in told(store) if line[0] == "login"] == [0]


def test_a_session_whose_end_was_seen_before_its_close_ends_once(store: Store) -> None:
    """Its connection was gone, its close train came, and then its login was told."""
    use(store, ticket(store, 0), now=100)
    closing = ticket(store, 0, Purpose.CLOSE)
    with store.transaction():
        books.end_sessions(store, CONFIG, frozenset(), now=101)
    use(store, closing, now=102)
    with store.transaction():
        books.attach(store, Login(HERE, 50000, 4711, 1), now=103)
        books.end_sessions(store, CONFIG, frozenset(), now=130)
    assert [line[0] for line in told(store)] == ["open", "close", "login"]


def test_the_log_keeps_its_latest_lines(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not grow for ever, and its numbers are never given again."""
    monkeypatch.setattr(log, "EVENTS_KEPT", 3)
    with store.transaction():
        for moment in range(5):
            store.record("restarted", moment)
    assert [event.at for event in store.events()] == [2, 3, 4]
    third = store.events()[0]
    assert [event.at for event in store.events_after(third.id)] == [3, 4]


def test_what_was_taken_back_is_told_to_nobody(tmp_path: Path) -> None:
    """The system's log hears of what is in the books, and not before it lasts."""
    heard: list[tuple[str, int]] = []
    store = Store(tmp_path / "other.db", tell=lambda event: heard.append((event.kind, event.at)))

    def spoil() -> None:
        with store.transaction():
            store.record("hidden", 1)
            raise sqlite3.OperationalError

    with pytest.raises(SystemFault):
        spoil()
    with store.transaction():
        store.record("unhidden", 2)
        assert heard == []
    assert heard == [("unhidden", 2)]
    store.close()


def test_the_books_are_private_and_refuse_names_twice(store: Store, tmp_path: Path) -> None:
    """Only root reads the secrets; a name is one pairing, in any case."""
    assert (tmp_path / "state.db").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="already"), store.transaction():
        store.add_pairing("LapTop", hosts=("h",), port=22, parameters=Parameters(), now=1)
    assert len(store.pairings()) == 1


def test_books_that_are_no_books_are_left_alone(tmp_path: Path) -> None:
    """A damaged file is named and kept: the counters in it are what stops replays."""
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database, but 32 bytes long." * 100)
    before = path.read_bytes()
    with pytest.raises(SystemFault, match="books"):
        Store(path)
    assert path.read_bytes() == before
