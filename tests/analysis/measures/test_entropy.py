"""Entropy of samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.analysis.measures import entropy


@pytest.mark.parametrize(
    ("counts", "bits"),
    [([7], 0.0), ([0, 7, 0], 0.0), ([1, 1], 1.0), ([1, 1, 2], 1.5), ([3] * 256, 8.0), ([], 0.0)],
)
def test_the_entropy_of_small_samples_is_that_of_paper_and_pencil(
    counts: list[int], bits: float
) -> None:
    """One value has none, equal ones have the logarithm of their number."""
    assert entropy.shannon(np.array(counts, dtype=np.int64)) == pytest.approx(bits)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50))
def test_no_sample_has_less_than_nothing_or_more_than_all(counts: list[int]) -> None:
    """Between 0 and the logarithm of the number of values."""
    assert -1e-9 <= entropy.shannon(np.array(counts, np.int64)) <= math.log2(len(counts)) + 1e-9


@pytest.mark.parametrize(
    ("total", "shares", "bits"),
    [
        (1, (0.5, 0.5), 0.0),
        (2, (0.5, 0.5), 0.5),  # two that differ, half of the time
        (3, (0.5, 0.5), 0.75 * (math.log2(3) - 2 / 3)),
        (2, (0.25, 0.75), 2 * 0.25 * 0.75),
    ],
)
def test_the_expected_entropy_is_the_mean_over_all_samples(
    total: int, shares: tuple[float, ...], bits: float
) -> None:
    """Samples so small that all of them can be written down."""
    assert entropy.expected_shannon(total, np.array(shares)) == pytest.approx(bits)


def test_perfect_numbers_of_the_papers_sample_have_0_99965() -> None:
    """65536 numbers in 256 bins: the ideal is not 1."""
    expected = entropy.expected_shannon(65536, np.full(256, 1 / 256)) / 8
    assert expected == pytest.approx(0.99965, abs=5e-6)


def test_collisions_count_pairs() -> None:
    """One pair in three is the same: log2 of 3 bits. Where none is, nothing can be said."""
    found = entropy.collision_entropy(np.array([5, 9, 5], dtype=np.int64))
    assert found is not None
    assert found[0] == pytest.approx(math.log2(3))
    assert entropy.collision_entropy(np.arange(100, dtype=np.int64)) is None


def test_collisions_find_the_number_of_values() -> None:
    """A sample of 20000 in 124002 values tells their bits to within four standard errors."""
    values = np.random.default_rng(1).integers(0, 124_002, 20_000)
    found = entropy.collision_entropy(values)
    assert found is not None
    assert abs(found[0] - math.log2(124_002)) < 4 * found[1] < 0.2
