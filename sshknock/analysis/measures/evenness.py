"""How often each value occurs: bins, the chi-square test, the frequency of bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sshknock.analysis.measures.entropy import Counts, Shares
from sshknock.analysis.measures.judging import two_sided

EXPECTED_AT_LEAST = 20
"""How many values a bin has to hold on average. Five are enough for p-values around 0.05 (Knuth,
TAOCP 3.3.1); out where a measure fails here, the true p of so few is several times as large."""

MOST_BINS = 256

_DISCRETE_BELOW = 15
"""Degrees of freedom: with fewer, counts as even as can be are nothing special. Two bins of equal
counts are what fair numbers have most often, and no chi-square below 0 makes up for it."""


@dataclass(frozen=True, slots=True)
class Binned:
    """How many values fell in each bin, and the share of all values that belongs there."""

    counts: Counts
    shares: Shares

    @property
    def total(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())


def binned(values: NDArray[np.integer], low: int, high: int) -> Binned | None:
    """Sort values of ``low..high`` into up to 256 bins; None when they are too few for two.

    The bins are as wide as each other to within one value, and as many as leave twenty values
    in each on average.
    """
    span = high - low + 1
    bins = min(MOST_BINS, span)
    while bins > 1 and len(values) < EXPECTED_AT_LEAST * bins:
        bins //= 2
    if bins < 2:  # noqa: PLR2004  one bin holds everything
        return None
    places = (values.astype(np.int64) - low) * bins // span
    edges = -(-np.arange(bins + 1) * span // bins)
    counts = np.bincount(places, minlength=bins).astype(np.int64)
    return Binned(counts, np.diff(edges) / span)


def chi_square(sample: Binned) -> tuple[float, float]:
    """Return Pearson's chi-square and its p: too uneven counts against, and too even if many."""
    return chi_square_p(_pearson(sample), len(sample.counts) - 1)


def chi_square_p(statistic: float, freedom: int) -> tuple[float, float]:
    """Return a statistic, and its p as a chi-square of so many degrees of freedom.

    A low one counts against as well, unless the degrees of freedom are few.
    """
    above = above_p(statistic, freedom)
    if freedom < _DISCRETE_BELOW:
        return statistic, above
    return statistic, two_sided(float(special.chdtr(freedom, statistic)), above)


def above_p(statistic: float, freedom: int) -> float:
    """Return the chance of a chi-square as high; a low one is as it should be."""
    return float(special.chdtrc(freedom, statistic))


def _pearson(sample: Binned) -> float:
    expected = sample.shares * sample.total
    return float(((sample.counts - expected) ** 2 / expected).sum())


def frequency_p(ones: int, total: int) -> float:
    """Return the p of the frequency test for bits (SP 800-22, section 2.1)."""
    return float(special.erfc(abs(2 * ones - total) / math.sqrt(2 * total)))
