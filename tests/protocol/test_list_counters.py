"""In step with a stock knockd: one right counter at a time, and no way to ask for it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.counters import ATTEMPTS, ClientCounters
from sshknock.protocol.list_counters import (
    SEARCH_UPWARDS,
    SPARE,
    UNUSABLE,
    SequenceList,
    confirm_of_list,
    found_in_list,
    next_of_list,
    search_of_list,
    sweep,
)
from sshknock.records import replace

WINDOW = 8
PLENTY = 1 << 40

GOOD, LOST, UNSEEN, KILLED, FALSE = "good", "lost", "accepted unseen", "killed", "false confirm"


@dataclass
class Pair:
    """A client with a list, and a knockd that accepts ``following`` and nothing else."""

    counters: ClientCounters = field(default_factory=ClientCounters)
    following: int = 0
    limit: int = PLENTY
    attempt: int = 0
    trains: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)

    def new_run(self) -> None:
        """Another ssh."""
        self.attempt, self.trains = 0, []

    def try_once(self, fate: str) -> bool:
        """Make one attempt; return whether the client has seen the server's identification."""
        n, self.counters = next_of_list(self.counters, self.attempt, self.limit)
        assert n < self.limit
        trains = self.trains
        trains.append(n)
        self.attempt += 1
        arrived = fate in (GOOD, UNSEEN)
        opened = arrived and n == self.following
        if opened:
            self.accepted.append(n)
            self.following += 1
        if fate == KILLED or self.attempt == ATTEMPTS:
            self.new_run()
        if fate == FALSE or (opened and fate == GOOD):
            self.counters = confirm_of_list(
                self.counters, n, WINDOW, trains=trains, shut=fate != FALSE
            )
            self.new_run()
            return True
        return False

    def bound(self) -> int:
        """Return how many good attempts are enough: the sweep under way, and four more."""
        c = self.counters
        under_way = c.sent if c.top is None else c.top
        tops = (under_way, c.sent, c.sent + 1, c.sent + 2, c.sent + 3)
        points = sum(len(sweep(c, top, self.limit)) for top in tops)
        return 2 * (points + len(tops)) + 1


fates = st.lists(st.sampled_from([GOOD, LOST, LOST, UNSEEN, KILLED]), max_size=200)


@given(fates)
def test_whatever_was_lost_or_unseen_they_meet_within_the_bound(history: list[str]) -> None:
    """And no counter was ever accepted twice; after that each run takes one attempt."""
    pair = Pair()
    for fate in history:
        pair.try_once(fate)
    for _ in range(pair.bound()):
        if pair.try_once(GOOD):
            break
    else:
        raise AssertionError(f"not met: {pair}")
    for _ in range(3):
        assert pair.try_once(GOOD)
    assert len(set(pair.accepted)) == len(pair.accepted)


@given(fates, st.integers(1, 20), st.data())
def test_confirms_that_were_false_are_healed(
    history: list[str], confirms: int, data: st.DataObject
) -> None:
    """The port stood open to all for some logins, between any two events."""
    pair = Pair()
    at = data.draw(st.integers(0, len(history)))
    for fate in (*history[:at], *[FALSE] * confirms, *history[at:]):
        pair.try_once(fate)
    assert any(pair.try_once(GOOD) for _ in range(pair.bound()))


@given(fates, st.integers(1, 4))
def test_a_server_that_lost_its_last_marks_is_met(history: list[str], lost: int) -> None:
    """A knockd marks a used line without fsync: a power cut sets it back by some."""
    pair = Pair()
    for fate in history:
        pair.try_once(fate)
    pair.following = max(0, min(pair.following, pair.counters.confirmed + 1) - lost)
    assert any(pair.try_once(GOOD) for _ in range(pair.bound()))


@given(fates, st.integers(0, SEARCH_UPWARDS - 1), st.integers(0, 30))
def test_a_search_finds_a_server_that_is_ahead_of_a_restored_client(
    history: list[str], ahead: int, lost: int
) -> None:
    """Even where one train of the search is lost."""
    pair = Pair()
    for fate in history:
        pair.try_once(fate)
    confirmed = pair.counters.confirmed
    following = confirmed + 1 + ahead
    found = [
        n for i, n in enumerate(search_of_list(confirmed, PLENTY)) if n == following and i != lost
    ]
    assert found


def test_a_long_outage_does_not_make_the_way_back_long() -> None:
    """After a hundred runs that nobody heard the first attempt of the next one comes through."""
    pair = Pair()
    for _ in range(100 * ATTEMPTS):
        pair.try_once(LOST)
    pair.new_run()
    assert pair.try_once(GOOD)


@given(st.lists(st.sampled_from([GOOD, LOST, UNSEEN]), max_size=200), st.integers(5, 40))
def test_the_last_line_is_never_sent(history: list[str], end: int) -> None:
    """A knockd dies with it: ``try_once`` holds that all sent are below the limit."""
    known = SequenceList(0, end)
    pair = Pair(limit=known.limit())
    for fate in history:
        if pair.counters.confirmed + 1 >= pair.limit:
            break
        pair.try_once(fate)
    assert pair.following <= end - UNUSABLE - SPARE


def test_one_that_was_accepted_unseen_costs_the_next_run_one_attempt() -> None:
    """As when ssh was ended while it waited: c+1 again, in case it was lost, and then c+2."""
    pair = Pair()
    assert pair.try_once(GOOD)
    pair.try_once(UNSEEN)
    pair.new_run()
    assert [pair.try_once(GOOD) for _ in range(2)] == [False, True]


@given(fates, st.data())
def test_whichever_train_of_a_run_had_opened_the_next_run_gets_in(
    history: list[str], data: st.DataObject
) -> None:
    """A late one may have been the right one, when others had been sent since."""
    pair = Pair()
    for fate in history:
        pair.try_once(fate)
    pair.new_run()
    for _ in range(data.draw(st.integers(0, ATTEMPTS - 1))):
        pair.try_once(LOST)
    trains = pair.trains
    pair.try_once(FALSE)
    pair.following = data.draw(st.sampled_from(trains)) + 1
    assert any(pair.try_once(GOOD) for _ in range(ATTEMPTS))


def test_what_is_in_doubt_comes_right_after_the_next_line() -> None:
    """Though that line was never sent before: it is not tried twice before them."""
    pair = Pair(ClientCounters(39, 39, doubt=(36, 38)))
    for _ in range(4):
        pair.try_once(LOST)
    assert pair.trains == [40, 36, 40, 38]


def test_what_is_left_and_when_it_is_low() -> None:
    """Ten logins, or a tenth of what was carried last; a few are kept for carrying more."""
    small, large = SequenceList(0, 54), SequenceList(1000, 2004)
    assert (small.left(-1), small.left(48), small.left(49), small.left(60)) == (50, 1, 0, 0)
    assert (small.limit(), small.limit(spare=True)) == (50, 53)
    assert (small.is_low(38), small.is_low(39)) == (False, True)
    assert (large.left(1898), large.is_low(1898), large.is_low(1899)) == (101, False, True)
    assert SequenceList(0, 0).left(-1) == 0


def test_the_file_itself_tells_the_servers_counter() -> None:
    """It becomes the confirmed one, and certainly so; what was sent stays sent."""
    before = ClientCounters(3, 9, top=7, step=2, strong=1)
    assert found_in_list(before, 6) == ClientCounters(5, 9, strong=5)
    assert found_in_list(before, 20) == ClientCounters(19, 19, strong=19)
    assert found_in_list(ClientCounters(), 0) == ClientCounters()


@pytest.mark.parametrize(("name", "value"), [("first", -1), ("first", 9), ("end", 1 << 62)])
def test_a_list_that_cannot_be_is_refused(name: str, value: int) -> None:
    """Below zero, after its end, beyond all counters."""
    with pytest.raises(BadInput):
        replace(SequenceList(2, 8), **{name: value})
