"""Guests by the books alone: what the kernel says, what the clock says, and which one counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sshknock.protocol.addresses import Address, parse_address
from sshknock.server import guests
from sshknock.server.store import Store

NOW = 1_800_000_000
VISITOR = parse_address("192.0.2.7")
HOUR_S, DAY_S = 3600, 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Books with a guest for an hour."""
    with closing(Store(tmp_path / "state.db")) as store:
        with store.transaction():
            store.admit_guest(str(VISITOR), NOW + HOUR_S, left_s=HOUR_S)
        yield store


def after_a_loss(store: Store, now: int) -> dict[Address, int]:
    """Return who is let in, and how long, when the kernel has forgotten it."""
    with store.transaction():
        guests.end_overdue(store, now)
    return guests.wanted(store, {}, now)


def test_what_the_kernel_lets_in_is_let_in_whatever_the_clock_says(store: Store) -> None:
    """A clock that jumps takes nothing from a guest as long as the table stands."""
    with store.transaction():
        guests.heed(store, {VISITOR: 1800})
    for now in (NOW - DAY_S, NOW + DAY_S):
        assert guests.wanted(store, {VISITOR: 1800}, now) == {VISITOR: 1800}


def test_whom_the_kernel_lets_in_no_more_is_no_guest(store: Store) -> None:
    """Even if the clock says otherwise."""
    with store.transaction():
        guests.heed(store, {})
    assert store.guests() == []


def test_a_clock_that_jumps_back_makes_no_guest_s_time_longer(store: Store) -> None:
    """What was left when we last looked is the most that there is, after each reboot."""
    with store.transaction():
        guests.heed(store, {VISITOR: 1800})
    assert after_a_loss(store, NOW - DAY_S) == {VISITOR: 1800}
    with store.transaction():
        guests.heed(store, {VISITOR: 1700})
    assert after_a_loss(store, NOW - DAY_S) == {VISITOR: 1700}
    assert [guest.ends_at(NOW - DAY_S) for guest in store.guests()] == [NOW - DAY_S + 1701]


def test_a_time_that_was_over_while_the_machine_was_off_is_over(store: Store) -> None:
    """The kernel has forgotten it, the clock has not."""
    assert after_a_loss(store, NOW + HOUR_S - 1) == {VISITOR: 1}
    assert after_a_loss(store, NOW + HOUR_S) == {}
    assert store.guests() == []
