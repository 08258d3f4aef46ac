"""What follows what: serial correlation, runs, and how well the next bit can be guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

FEWEST_NUMBERS = 20
FEWEST_BITS = 100  # SP 800-22, section 2.3.7
_CONTEXT_BITS = 8
_LESSONS_A_CONTEXT = 40


@dataclass(frozen=True, slots=True)
class Found:
    """A statistic, what perfect randomness would give, and the p of the difference."""

    value: float
    ideal: float
    p: float


def serial_correlation(values: NDArray[np.integer] | NDArray[np.floating]) -> Found | None:
    """Correlate each value with the next, the last with the first (Knuth, TAOCP 3.3.2 K).

    None when all are the same, or when they are too few.
    """
    count = len(values)
    if count < FEWEST_NUMBERS:
        return None
    centred = values.astype(np.float64) - float(np.mean(values))
    power = float(centred @ centred)
    if power == 0:
        return None
    value = float(centred @ np.roll(centred, -1)) / power
    ideal = -1 / (count - 1)
    sigma = count / (count - 1) / math.sqrt(count - 2)
    return Found(value, ideal, normal_p((value - ideal) / sigma))


def runs_up_and_down(values: NDArray[np.integer] | NDArray[np.floating]) -> Found | None:
    """Count the runs of values that rise, or that fall (Wald and Wolfowitz; Bradley 1968).

    A value equal to the one before counts as none. None when too few are left.
    """
    steps = np.sign(np.diff(values.astype(np.float64)))
    steps = steps[steps != 0]
    count = len(steps) + 1
    if count < FEWEST_NUMBERS:
        return None
    runs = 1 + int(np.count_nonzero(np.diff(steps)))
    ideal = (2 * count - 1) / 3
    sigma = math.sqrt((16 * count - 29) / 90)
    return Found(runs, ideal, normal_p((runs - ideal) / sigma))


def runs_of_bits(bits: NDArray[np.uint8]) -> Found | None:
    """Count the runs of equal bits (SP 800-22, section 2.3); None where that cannot be tested."""
    if not runs_can_be_tested(bits):
        return None
    count = len(bits)
    share = float(np.mean(bits))
    runs = 1 + int(np.count_nonzero(np.diff(bits)))
    ideal = 2 * count * share * (1 - share)
    sigma = 2 * math.sqrt(2 * count) * share * (1 - share)
    return Found(runs, ideal, float(special.erfc(abs(runs - ideal) / sigma)))


def runs_can_be_tested(bits: NDArray[np.uint8]) -> bool:
    """Tell whether bits are enough, and ones frequent enough (SP 800-22, 2.3.4 and 2.3.7)."""
    count = len(bits)
    return count >= FEWEST_BITS and abs(float(np.mean(bits)) - 0.5) < 2 / math.sqrt(count)


def next_bit(bits: NDArray[np.uint8]) -> Found | None:
    """Guess each bit from those before it; return the share of guesses that are right.

    The first half of the bits teaches what followed each pattern of up to eight, the second half is
    guessed. The p is that of so many right ones or more by tossing a coin. None when there are
    too few bits to learn from.
    """
    half = len(bits) // 2
    context = min(_CONTEXT_BITS, (half // _LESSONS_A_CONTEXT).bit_length() - 1)
    if context < 1:
        return None
    words = np.zeros(len(bits) - context, dtype=np.int64)
    for i in range(context):
        words = words * 2 + bits[i : i + len(words)]
    followers = bits[context:]
    seen = np.bincount(words[:half], minlength=1 << context)
    ones = np.bincount(words[:half], weights=followers[:half], minlength=1 << context)
    guesses = (2 * ones > seen)[words[half:]]
    right, tried = int(np.count_nonzero(guesses == followers[half:])), len(guesses)
    return Found(right / tried, 0.5, _as_many_heads(right, tried))


def _as_many_heads(heads: int, tosses: int) -> float:
    """Return the chance of so many heads or more."""
    return float(special.bdtrc(heads - 1, tosses, 0.5)) if heads else 1.0


def normal_p(z: float) -> float:
    """Return the chance that a normal value is as far from 0, on either side."""
    return float(special.erfc(abs(z) / math.sqrt(2)))
