"""Staying in step: the client's counters against a server that forgets nothing."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.counters import (
    ClientCounters,
    accepts,
    attempts_of_a_run,
    recovery_points,
    search_points,
)

LOST, UNSEEN, GOOD = "lost", "accepted, not observed", "good"
windows = st.sampled_from([4, 8, 16])
runs = st.lists(st.lists(st.sampled_from([LOST, UNSEEN]), min_size=1, max_size=8), max_size=40)


def play(
    counters: ClientCounters, next_: int, events: list[str], window: int
) -> tuple[ClientCounters, int, int | None]:
    """One run of ssh; return both sides and the attempt that got in."""
    for attempt, event in enumerate(events[: attempts_of_a_run(window)]):
        counter, counters = counters.next(attempt, window)
        if event != LOST and accepts(next_, counter, window):
            next_ = counter + 1
            if event == GOOD:
                return counters.confirm(counter), next_, attempt
    return counters, next_, None


@given(windows, runs)
def test_the_pair_meets_again_within_the_bound_of_the_design(
    window: int, past: list[list[str]]
) -> None:
    """After any past, 8(P+1)/3 + 4 attempts suffice, and every later run needs one."""
    counters, next_ = ClientCounters(), 0
    for events in past:
        counters, next_, _ = play(counters, next_, events, window)
    points = len(recovery_points(counters.confirmed, max(counters.sent, 0), window))
    bound = 8 * (points + 1) / 3 + 4
    spent = 0
    while True:
        counters, next_, attempt = play(counters, next_, [GOOD] * 8, window)
        if attempt is not None:
            spent += attempt + 1
            break
        spent += attempts_of_a_run(window)
        assert spent <= bound
    assert spent <= bound + attempts_of_a_run(window)
    for _ in range(3):
        counters, next_, attempt = play(counters, next_, [GOOD] * 8, window)
        assert attempt == 0


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


def test_the_cycle_goes_up_in_windows_past_the_top_and_then_down() -> None:
    """Points are c+2W and on to the first past the top, then c, c-W, c-2W, c-3W."""
    assert recovery_points(20, 41, 8) == (36, 44, 20, 12, 4)
    assert recovery_points(-1, 7, 8) == (15,)


def test_a_search_goes_outwards_on_both_sides() -> None:
    """c+W, c, c+2W, c-W, ... and upwards alone once it reached the beginning."""
    assert list(islice(search_points(10, 8), 6)) == [18, 10, 26, 2, 34, 42]
    assert list(islice(search_points(-1, 8), 2)) == [7, 15]


def test_a_lower_confirm_is_taken_and_what_was_sent_stays() -> None:
    """A confirm sets c even downwards: it heals a false one."""
    counters = ClientCounters(confirmed=30, sent=40, top=40, step=2).confirm(22)
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
    ],
    ids=str,
)
def test_counters_that_contradict_each_other_are_refused(values: dict[str, int]) -> None:
    """A damaged store does not become a state."""
    with pytest.raises(BadInput):
        ClientCounters(**values)
