"""Staying in step: the client's counters against a server that forgets nothing."""

from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.counters import (
    SEARCH_ATTEMPTS,
    SEARCH_COUNTERS,
    ClientCounters,
    accepted,
    attempts_of_a_run,
    search_attempts,
    search_points,
)
from tests.protocol.pair import next_run_gets_in

LOST, UNSEEN, GOOD = "lost", "accepted, not observed", "good"
windows = st.sampled_from([4, 8, 16])
runs = st.lists(st.lists(st.sampled_from([LOST, UNSEEN]), min_size=1, max_size=8), max_size=40)


def play(
    counters: ClientCounters, next_: int, events: list[str], window: int
) -> tuple[ClientCounters, int, int | None]:
    """One run of ssh; return both sides and the attempt that got in."""
    trains: list[int] = []
    for attempt, event in enumerate(events[: attempts_of_a_run(window)]):
        counter, counters = counters.next(attempt, window)
        trains.append(counter)
        if event != LOST and counter in accepted(next_, window):
            next_ = counter + 1
            if event == GOOD:
                return counters.confirm(counter, window, trains=trains, shut=True), next_, attempt
    return counters, next_, None


@given(windows, runs)
def test_no_counter_is_accepted_twice_and_what_was_sent_never_shrinks(
    window: int, past: list[list[str]]
) -> None:
    """The server's next only grows, and the client's highest counter never decreases."""
    counters, next_ = ClientCounters(), 0
    for events in past:
        before = counters.sent, next_
        counters, next_, _ = play(counters, next_, [*events, GOOD], window)
        assert counters.sent >= before[0]
        assert next_ >= before[1]


def test_fresh_counters_come_first_then_the_one_that_always_fits_then_the_cycle() -> None:
    """The plan of the design, followed for W = 4 with nothing ever answered."""
    counters = ClientCounters()
    seen = []
    for _run in range(4):
        for attempt in range(4):
            counter, counters = counters.next(attempt, 4)
            seen.append(counter)
    # m = 0..3 are fresh, then each run begins with c+W = 3.
    assert seen[:4] == [0, 1, 2, 3]
    assert seen[4] == 3
    assert seen[5:8] == [7, 7, 11]
    assert counters.sent == max(seen)


def test_a_strong_confirm_proves_no_more_than_the_lowest_train_of_its_run() -> None:
    """It may have been a slow one that opened; and a floor never sinks but with the server."""
    counters = ClientCounters(20, 24, strong=20)
    assert counters.confirm(24, 8, trains=[21, 22, 23, 24], shut=True).strong == 21
    assert counters.confirm(24, 8, trains=[4, 24], shut=True).strong == 20
    assert counters.confirm(12, 8, trains=[4, 12], shut=True).strong == 4, (
        "its books came from a backup"
    )


def test_a_damaged_state_with_a_huge_cycle_costs_nothing() -> None:
    """The cycle's points are counted, not listed."""
    far = ClientCounters(0, 2**61, top=2**61, step=2**40, strong=0)
    assert far.next(1, 8)[0] == 16 + 2**40 * 8


def test_after_a_confirm_far_below_what_was_sent_the_nearest_counter_comes_first() -> None:
    """Logins in a row need no door that is yet to be made, and c+W comes twice in a run."""
    counters = ClientCounters(100, 200, strong=100)
    for expected in (101, 102, 103):
        counter, counters = counters.next(0, 8)
        assert counter == expected
        counters = counters.confirm(counter, 8, trains=[counter], shut=True)
    seen = []
    for attempt in range(8):
        counter, counters = counters.next(attempt, 8)
        seen.append(counter)
    assert seen == [104, 111, 119, 127, 111, 135, 143, 151]
    assert counters.next(0, 8)[0] == 111
    assert counters.sent == 200


def test_the_cycle_goes_up_in_windows_past_the_top_and_then_down() -> None:
    """Points are c+2W and on to the first past the top, then c, c-W, c-2W, c-3W."""
    in_step = ClientCounters(20, 41, strong=20)
    assert in_step.recovery_points(41, 8) == (36, 44, 20, 12, 4)
    assert ClientCounters(-1, 7).recovery_points(7, 8) == (15,)


def test_after_a_false_confirm_far_up_the_cycle_reaches_down_to_the_strong_one() -> None:
    """The server is somewhere past the strong confirm: every place from there on is covered."""
    counters = ClientCounters(100, 100, strong=41)
    assert counters.recovery_points(100, 8) == (116, 100, 92, 84, 76, 49, 57, 65, 73)
    for next_ in range(42, 102):
        points = (108, *counters.recovery_points(100, 8))
        assert any(n in accepted(next_, 8) for n in points)


def test_a_confirm_that_goes_up_by_more_than_a_window_is_not_strong() -> None:
    """The table may have been lost within the run: the next run looks first."""
    counters = ClientCounters(20, 60, strong=20)
    assert counters.confirm(28, 8, trains=[28], shut=True).strong == 28
    jumped = counters.confirm(52, 8, trains=[21, 52], shut=True)
    assert (jumped.confirmed, jumped.strong) == (52, 20)
    assert jumped.looks_first(8, refuses=False, admitted=True)


def tried(counters: ClientCounters, window: int) -> list[int]:
    """What the attempts of one run try, nothing answered."""
    seen = []
    for attempt in range(attempts_of_a_run(window)):
        counter, counters = counters.next(attempt, window)
        seen.append(counter)
    return seen


def test_where_an_earlier_train_may_have_opened_the_next_run_tries_what_follows_it() -> None:
    """After the one that is right if it was the last, as nearly always; a single train ends it."""
    up_the_cycle = ClientCounters(-1, 39, top=31, step=3)
    late = up_the_cycle.confirm(39, 8, trains=[7, 15, 23, 31, 7, 39], shut=True)
    assert late.doubt == (15, 23, 31, 39)
    assert tried(late, 8)[:7] == [40, 15, 23, 31, 47, 39, 55]
    assert not late.is_fresh(8) or tried(late, 8)[0] == 40
    counter, counters = late.next(0, 8)
    assert counters.doubt == late.doubt, "it outlasts a run that failed"
    assert counters.confirm(counter, 8, trains=[counter], shut=False).doubt == ()


@given(
    st.sampled_from([4, 5, 8, 16, 32]),
    st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=60),
)
def test_whichever_train_of_a_run_had_opened_the_next_run_gets_in(
    window: int, past: list[tuple[int, bool]]
) -> None:
    """After any history of runs with so many attempts, each of which came in at the end or not."""
    counters, attempts = ClientCounters(), attempts_of_a_run(window)
    for tries, came_in in past:
        trains: tuple[int, ...] = ()
        for attempt in range(min(tries, attempts)):
            counter, counters = counters.next(attempt, window)
            trains = (*trains, counter)
        if came_in:
            counters = counters.confirm(trains[-1], window, trains=trains, shut=True)
            assert next_run_gets_in(counters, trains, window, attempts)


def test_a_train_above_the_confirmed_one_may_have_opened_as_well() -> None:
    """The cycle goes down after it went up."""
    after = ClientCounters(39, 40, doubt=(15,)).confirm(15, 8, trains=[40, 15], shut=True)
    assert (after.confirmed, after.doubt) == (15, (48,))
    assert tried(after, 8)[:2] == [16, 48]


def test_where_one_counter_meets_them_all_nothing_is_in_doubt() -> None:
    """Fresh counters, and c+1 with c+W: whichever train it was, the next one is in its window."""
    fresh = ClientCounters(10, 18, step=2)
    assert fresh.confirm(18, 8, trains=list(range(11, 19)), shut=True).doubt == ()
    far = ClientCounters(10, 90, step=2)
    assert far.confirm(18, 8, trains=[11, 18], shut=True).doubt == ()


def test_in_doubt_no_fresh_counters_are_burnt_beyond_the_first() -> None:
    """They would all lie above the window of a server that heard an earlier train."""
    late = ClientCounters(-1, 39, step=0).confirm(39, 8, trains=[7, 39], shut=True)
    assert late.is_fresh(8)
    _, counters = late.next(0, 8)
    assert not counters.is_fresh(8)
    assert counters.next(1, 8)[0] == 15


def test_a_search_goes_outwards_on_both_sides() -> None:
    """c+W, c, c+2W, c-W, ... and upwards alone once it reached the beginning."""
    assert list(islice(search_points(10, 8), 6)) == [18, 10, 26, 2, 34, 42]
    assert list(islice(search_points(-1, 8), 2)) == [7, 15]


def test_a_search_tries_each_counter_twice_and_goes_back_before_it_goes_on() -> None:
    """The nearest are tried again within seconds, and after others than the first time."""
    attempts = list(search_attempts(1000, 8))
    points = list(islice(search_points(1000, 8), SEARCH_COUNTERS))
    assert len(attempts) == SEARCH_ATTEMPTS
    assert attempts[:32] == points[:16] + points[15::-1]
    assert sorted(attempts) == sorted(points * 2)


def test_a_lower_confirm_is_taken_and_what_was_sent_stays() -> None:
    """A confirm sets c even downwards: it heals a false one."""
    counters = ClientCounters(confirmed=30, sent=40, top=40, step=2).confirm(
        22, 8, trains=[22], shut=False
    )
    assert counters == ClientCounters(confirmed=22, sent=40)


@pytest.mark.parametrize(
    "values",
    [
        {"confirmed": -2},
        {"confirmed": 5, "sent": 4},
        {"sent": 2**62},
        {"step": -1},
        {"confirmed": True},
        {"sent": 1.5},
        {"top": -1},
        {"strong": -1},
        {"confirmed": 3, "sent": 5, "strong": 6},
        {"confirmed": 3, "sent": 5, "top": 6},
        {"doubt": (-1,)},
        {"doubt": (2**62,)},
        {"doubt": ("7",)},
        {"sent": 9, "doubt": tuple(range(9))},
        {"sent": 9, "doubt": (9 + 33,)},
        {"sent": 9, "doubt": (7, 7)},
    ],
    ids=str,
)
def test_counters_that_contradict_each_other_are_refused(values: dict[str, Any]) -> None:
    """A damaged store does not become a state."""
    with pytest.raises(BadInput):
        ClientCounters(**values)
