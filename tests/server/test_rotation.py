"""A new secret replaces the old one when it is used, and not before."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.server import books
from sshknock.server.config import Config
from sshknock.server.firewall.kernel import Used
from sshknock.server.store import Pairing, Stage, Store, Ticket

HERE = ipaddress.ip_address("192.0.2.7")
CONFIG = Config("eth0", timeout_s=30)
WINDOW = Parameters().window


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Books with a pairing whose counter is 5, and a new secret that waits for its first use."""
    opened = Store(tmp_path / "state.db")
    with opened.transaction():
        old = opened.add_pairing("laptop", hosts=("h",), port=22, parameters=Parameters(), now=1)
        opened.raise_next(old.id, 5)
        opened.begin_rotation(old, hosts=("h",), now=2)
        books.issue_tickets(opened, generation=1, close_doors=99)
    yield opened
    opened.close()


def pending(store: Store) -> Pairing:
    """The new secret."""
    found = store.replacement(store.pairing("laptop"))
    assert found is not None
    return found


def doors(store: Store, pairing: Pairing) -> list[Ticket]:
    """The open doors of a pairing."""
    return [t for t in store.tickets() if (t.pairing, t.purpose) == (pairing.id, Purpose.OPEN)]


def use(store: Store, ticket: Ticket) -> None:
    """Let the kernel tell that a door was used."""
    with store.transaction():
        books.take_in(store, [Used(ticket.id, HERE)], now=100, not_before=0)
        books.end_sessions(store, CONFIG, frozenset({HERE}), now=100)
        books.issue_tickets(store, generation=2, close_doors=99)


def test_both_secrets_have_doors_until_the_new_one_is_used(store: Store) -> None:
    """The old one moves on meanwhile, and the new one begins at 0."""
    old, new = store.pairing("laptop"), pending(store)
    assert old.secret != new.secret
    assert [t.counter for t in doors(store, new)] == list(range(WINDOW))
    use(store, doors(store, old)[0])
    assert store.pairing("laptop").next == 6
    assert [t.counter for t in doors(store, old)] == list(range(6, 6 + WINDOW))
    assert pending(store).id == new.id


def test_the_first_use_makes_the_new_secret_the_only_one(store: Store) -> None:
    """The name means it, the old one has no door left, and the log says so."""
    old, new = store.pairing("laptop"), pending(store)
    use(store, doors(store, new)[0])
    now = store.pairing("LAPTOP")
    assert (now.id, now.stage, now.next) == (new.id, Stage.CURRENT, 1)
    assert doors(store, old) == []
    assert [p.id for p in store.pairings()] == [new.id]
    assert [event.kind for event in store.events(9)] == ["rotated", "open"]


def test_the_kernel_closes_the_old_doors_with_the_first_use_of_the_new_secret(
    store: Store,
) -> None:
    """In the same transaction: what was heard of the old secret is worth nothing from then on."""
    old, new = store.pairing("laptop"), pending(store)
    of = {door.ticket: set(door.lower) for door in books.doors(store)}
    for ticket in doors(store, new):
        assert of[ticket.id] >= {t.id for t in doors(store, old)}
    for ticket in doors(store, old):
        assert not of[ticket.id] & {t.id for t in doors(store, new)}


def test_a_replaced_secret_is_forgotten_when_its_last_session_is_over(store: Store) -> None:
    """Until then the session has its close door, and counts for the name."""
    old, new = store.pairing("laptop"), pending(store)
    use(store, doors(store, old)[0])
    use(store, doors(store, new)[0])
    assert [p.stage for p in store.pairings()] == [Stage.REPLACED, Stage.CURRENT]
    (close,) = (t for t in store.tickets() if t.purpose is Purpose.CLOSE and t.pairing == old.id)
    with store.transaction():
        books.take_in(store, [Used(close.id, HERE)], now=101, not_before=0)
        books.end_sessions(store, CONFIG, frozenset({HERE}), now=101)
    assert [p.id for p in store.pairings()] == [new.id]


def test_a_second_rotation_replaces_the_first(store: Store) -> None:
    """Only one secret waits at a time, and the old one goes on."""
    first = {ticket.sequence for ticket in doors(store, pending(store))}
    with store.transaction():
        store.begin_rotation(store.pairing("laptop"), hosts=("other",), now=3)
        books.issue_tickets(store, generation=2, close_doors=99)
    second = {ticket.sequence for ticket in store.tickets() if ticket.pairing == pending(store).id}
    assert len(second) == WINDOW
    assert not second & first
    assert len(store.tickets()) == 2 * WINDOW
    assert pending(store).hosts == ("other",)
    assert store.pairing("laptop").next == 5


def test_a_disabled_client_has_no_doors_and_keeps_its_counter(store: Store) -> None:
    """Neither secret opens anything; enabled again, both go on where they were."""
    with store.transaction():
        store.set_disabled(store.pairing("laptop"), disabled=True)
        books.issue_tickets(store, generation=2, close_doors=99)
    assert store.tickets() == []
    with store.transaction():
        store.set_disabled(store.pairing("laptop"), disabled=False)
        books.issue_tickets(store, generation=3, close_doors=99)
    assert len(store.tickets()) == 2 * WINDOW
    assert store.pairing("laptop").next == 5


def test_removing_a_client_removes_all_its_secrets(store: Store) -> None:
    """A rotation that was begun goes with it."""
    with store.transaction():
        store.remove_pairing(store.pairing("laptop"))
    assert store.pairings() == []
    assert store.tickets() == []
