"""How often each value occurs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.analysis.measures import evenness
from sshknock.analysis.measures.judging import SELDOM
from tests.analysis.measures.examples import PI_BITS


def test_chi_square_of_sixty_heads_and_forty_tails() -> None:
    """(10² + 10²) / 50 = 4, which one of 22 fair coins exceeds."""
    sample = evenness.Binned(np.array([60, 40]), np.array([0.5, 0.5]))
    statistic, p = evenness.chi_square(sample)
    assert statistic == pytest.approx(4)
    assert p == pytest.approx(0.0455003, abs=1e-6)


def test_chi_square_takes_the_width_of_a_bin_into_account() -> None:
    """A bin of three quarters of the range is fuller, and that is right."""
    assert evenness.chi_square(evenness.Binned(np.array([3, 1]), np.array([0.75, 0.25])))[0] == 0


def test_a_counter_is_too_even() -> None:
    """Each number once is no chance: p is next to nothing."""
    sample = evenness.binned(np.arange(65536, dtype=np.uint16), 0, 65535)
    assert sample is not None
    assert (sample.counts == 256).all()
    assert evenness.chi_square(sample)[1] < 1e-100


@pytest.mark.parametrize("bins", range(2, 16))
def test_few_bins_may_be_as_even_as_can_be(bins: int) -> None:
    """Equal counts are what fair numbers have most often."""
    even = evenness.Binned(np.full(bins, 20), np.full(bins, 1 / bins))
    assert evenness.chi_square(even) == (0, 1)


def test_chi_square_errs_by_little_where_measures_fail() -> None:
    """Two bins of forty: the true chance of what fails is at most twice the rate promised."""
    ways = [math.comb(40, ones) / 2**40 for ones in range(41)]
    coin = np.array([0.5, 0.5])
    failing = [
        ones
        for ones in range(41)
        if evenness.chi_square(evenness.Binned(np.array([ones, 40 - ones]), coin))[1] < SELDOM
    ]
    assert failing
    assert sum(ways[ones] for ones in failing) < 2 * SELDOM


@given(st.integers(1, 65000), st.integers(1, 535))
def test_bins_cover_the_range_and_are_equally_wide(low: int, span: int) -> None:
    """Every value of the range lies in one, and their widths differ by one value at most."""
    high = low + span
    everything = np.repeat(np.arange(low, high + 1), 20)
    sample = evenness.binned(everything, low, high)
    assert sample is not None
    widths = sample.shares * (span + 1)
    assert sample.shares.sum() == pytest.approx(1)
    assert widths.max() - widths.min() < 1 + 1e-6
    assert sample.counts == pytest.approx(widths * 20)


@pytest.mark.parametrize(("count", "bins"), [(39, None), (40, 2), (5119, 128), (5120, 256)])
def test_few_numbers_get_few_bins(count: int, bins: int | None) -> None:
    """Twenty on average in each, or none at all."""
    sample = evenness.binned(np.zeros(count, dtype=np.int64), 0, 65535)
    assert (None if sample is None else len(sample.counts)) == bins


def test_the_frequency_test_gives_what_nist_gives() -> None:
    """SP 800-22, section 2.1.8: the first hundred binary digits of pi."""
    assert evenness.frequency_p(int(PI_BITS.sum()), 100) == pytest.approx(0.109599, abs=1e-6)
