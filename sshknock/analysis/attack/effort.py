"""What a search for the seed takes, by what is known of the clock: data for tables and a figure.

Seconds are one core's: the guesses divided by a rate that was measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SECONDS_A_YEAR = 365.25 * 86400
KNOWN_TO = (
    ("a second", 1.0),
    ("a minute", 60.0),
    ("an hour", 3600.0),
    ("a day", 86400.0),
    ("a year", SECONDS_A_YEAR),
)
"""How well an observer knows when the file was made."""

SECRET_BITS = 256

GUESSES_A_SECOND = 750_000
"""What one core does about, for estimates: ``sshknock analyze --attack`` has measured 760,000 to
860,000 on a virtual machine (AMD EPYC, Python 3.11, numpy 2.4)."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The guesses that try all there is, and what they take at a rate.

    ``guesses_log2`` is a logarithm: those of a secret are too many for a number.
    """

    known: str
    guesses_log2: float
    seconds_log10: float

    @property
    def guesses(self) -> float:
        """The guesses themselves, at most 2^256."""
        return math.pow(2, self.guesses_log2)

    @property
    def seconds(self) -> float:
        """How long one core is busy with them."""
        return math.pow(10, self.seconds_log10)


def effort(known: str, guesses_log2: float, rate: float) -> Effort:
    """Return what so many guesses take at ``rate`` guesses a second."""
    return Effort(known, guesses_log2, guesses_log2 * math.log10(2) - math.log10(rate))


def clock_efforts(seeds_a_second: float, seeds_at_most: float, rate: float) -> tuple[Effort, ...]:
    """Return the efforts for a clock that makes so many seeds a second.

    ``seeds_at_most`` is how many a seed function can make at all: the decimals of a second come
    again with every second, and then it matters nothing how well the clock is known.
    """
    return tuple(
        effort(known, math.log2(max(1.0, min(seconds * seeds_a_second, seeds_at_most))), rate)
        for known, seconds in KNOWN_TO
    )


def secret_effort(rate: float) -> Effort:
    """Return the effort for a secret of 256 bits, as the pairings of this program have."""
    return effort(f"a secret of {SECRET_BITS} bits", float(SECRET_BITS), rate)
