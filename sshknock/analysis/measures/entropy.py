"""Entropy of samples, and what perfect randomness would have in a sample of that size.

The entropy of a sample is less than that of its source: some bins are fuller by chance. So 65536
perfect numbers in 256 bins have 0.99965 of what is possible on average, and none has more than 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]

_FARTHEST = 12.0


def shannon(counts: Counts) -> float:
    """Return the entropy of a sample, in bits, from how often each value occurred."""
    total = int(counts.sum())
    present = counts[counts > 0]
    if total == 0 or len(present) == 1:
        return 0.0
    return math.log2(total) - float((present * np.log2(present)).sum()) / total


def expected_shannon(total: int, shares: Shares) -> float:
    """Return the mean of ``shannon`` over samples of ``total`` values whose true shares these are.

    Each count is binomial, and means add up, dependent or not: so it is exact but for counts more
    than twelve standard deviations away.
    """
    sizes, repeats = np.unique(shares, return_counts=True)
    mean = 0.0
    for share, repeat in zip(sizes, repeats, strict=True):
        spread = _FARTHEST * math.sqrt(total * share) + _FARTHEST
        low, high = max(1, int(total * share - spread)), min(total, int(total * share + spread))
        counts = np.arange(low, high + 1)
        chances = _binomial(counts, total, share)
        mean -= float(repeat) * float((chances * counts / total * np.log2(counts / total)).sum())
    return mean


def _binomial(counts: Counts, total: int, share: float) -> Shares:
    """Return the chance of each count; scipy.stats has it too, and takes a second to import."""
    ways = (
        special.gammaln(total + 1)
        - special.gammaln(counts + 1)
        - special.gammaln(total - counts + 1)
    )
    logarithms = ways + special.xlogy(counts, share) + special.xlog1py(total - counts, -share)
    return np.asarray(np.exp(logarithms))


def collision_entropy(values: NDArray[np.int64]) -> tuple[float, float] | None:
    """Return the collision entropy of values in bits, and its standard error; None without any.

    It is -log2 of the chance that two values are the same, which is estimated without bias by the
    pairs that are. Of a thousand values in 124002 that tells as much as millions would of Shannon's
    entropy, which is never less (Rényi 1961).
    """
    counts = np.unique(values, return_counts=True)[1].astype(np.int64)
    same = int((counts * (counts - 1)).sum()) // 2
    pairs = len(values) * (len(values) - 1) // 2
    if same == 0:
        return None
    return math.log2(pairs / same), 1 / (math.sqrt(same) * math.log(2))
