"""What follows what."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.analysis.measures import order
from tests.analysis.measures.examples import PI_BITS

COIN = np.random.default_rng(2).integers(0, 2, 20_000).astype(np.uint8)


def test_the_runs_test_gives_what_nist_gives() -> None:
    """SP 800-22, section 2.3.8: 52 runs, p = 0.500798."""
    found = order.runs_of_bits(PI_BITS)
    assert found is not None
    assert found.value == 52
    assert found.p == pytest.approx(0.500798, abs=1e-6)


def test_the_runs_test_is_not_done_where_the_frequency_rules_it_out() -> None:
    """Ninety ones of a hundred: there is no verdict, whatever their order (2.3.4)."""
    assert order.runs_of_bits(np.array([1] * 90 + [0] * 10, dtype=np.uint8)) is None


def test_runs_up_and_down_of_a_counter_are_one() -> None:
    """It never turns, where chance would turn 39.7 times in 60."""
    found = order.runs_up_and_down(np.arange(60))
    assert found is not None
    assert found.value == 1
    assert found.ideal == pytest.approx(119 / 3)
    assert found.p < 1e-20


def test_runs_up_and_down_counted_by_hand() -> None:
    """1 3 2 4 7 7 5 6, three times over: an equal neighbour counts as none."""
    found = order.runs_up_and_down(np.array([1, 3, 2, 4, 7, 7, 5, 6] * 3))
    assert found is not None
    assert found.value == 17  # + - ++ - + in each, and - between them
    assert found.ideal == pytest.approx((2 * 21 - 1) / 3)


def test_a_coin_that_alternates_is_wholly_against_itself() -> None:
    """Serial correlation -1, and every guess is right."""
    bits = np.array([0, 1] * 500, dtype=np.uint8)
    correlation, guesses = order.serial_correlation(bits), order.next_bit(bits)
    assert correlation is not None
    assert guesses is not None
    assert correlation.value == pytest.approx(-1)
    assert (guesses.value, guesses.p < 1e-100) == (1, True)


def test_serial_correlation_by_hand() -> None:
    """Twenty times 0, 0, 1, 1: each value has its like before it or after it, never both."""
    found = order.serial_correlation(np.array([0, 0, 1, 1] * 20))
    assert found is not None
    assert found.value == pytest.approx(0)
    assert found.p > 0.5


def test_a_coin_passes() -> None:
    """Seeded, so that it does each time."""
    found = [order.runs_of_bits(COIN), order.serial_correlation(COIN), order.next_bit(COIN)]
    assert all(each is not None and each.p > 0.001 for each in found)


def test_what_is_all_the_same_has_no_correlation_and_no_runs() -> None:
    """There is nothing to compare, and that is told by None instead of a division by zero."""
    same = np.full(1000, 7)
    assert order.serial_correlation(same) is None
    assert order.runs_up_and_down(same) is None


def test_a_biased_coin_is_guessed_as_often_as_its_bias() -> None:
    """Four of five: so many guesses are right, and the p says that it is no luck."""
    bits = (np.random.default_rng(3).random(20_000) < 0.8).astype(np.uint8)
    found = order.next_bit(bits)
    assert found is not None
    assert found.value == pytest.approx(0.8, abs=0.02)
    assert found.p < 1e-100


@given(st.lists(st.integers(0, 1), max_size=400))
def test_any_bits_can_be_measured(bits: list[int]) -> None:
    """No length and no content raises anything; a p is one of a probability."""
    array = np.array(bits, dtype=np.uint8)
    for measure in (order.runs_of_bits, order.serial_correlation, order.next_bit):
        found = measure(array)
        assert found is None or 0 <= found.p <= 1
