"""The seeds that a clock can have given, for an observer who knows roughly when it was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sshknock.analysis.attack.search import BATCH
from sshknock.analysis.attack.twister import Seeds

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Moments:
    """When the clock may have been read: from ``first`` on and before ``end``, in microseconds.

    They count from 1970, as the system's time does.
    """

    first: int
    end: int

    @classmethod
    def around(cls, moment: int, within: int) -> Moments:
        """Return the moments that are at most ``within`` away from one; all in microseconds."""
        return cls(max(0, moment - within), moment + within)

    @classmethod
    def whole(cls, moment: int, length: int) -> Moments:
        """Return the whole second, or minute, or whatever ``length`` is, that a moment is in."""
        start = moment - moment % length
        return cls(start, start + length)


@dataclass(frozen=True, slots=True)
class Clock:
    """A seed function: the system's time in ``ticks`` a second, or only its last digits.

    ``again`` is after how many ticks the seeds come again; None: never.
    """

    ticks: int
    again: int | None = None

    def seed(self, moment: int) -> int:
        """Return the seed of a moment in microseconds."""
        tick = moment * self.ticks // MICROSECONDS
        return tick if self.again is None else tick % self.again

    def count(self, moments: Moments) -> int:
        """Return how many seeds there are to try."""
        ticks = self._tick(moments.end - 1) + 1 - self._tick(moments.first)
        return ticks if self.again is None else min(ticks, self.again)

    def batches(self, moments: Moments) -> Iterator[Seeds]:
        """Yield all of them, in the order of time."""
        first = self._tick(moments.first)
        end = first + self.count(moments)
        for start in range(first, end, BATCH):
            ticks = np.arange(start, min(start + BATCH, end), dtype=np.uint64)
            yield ticks if self.again is None else ticks % np.uint64(self.again)

    def _tick(self, moment: int) -> int:
        return moment * self.ticks // MICROSECONDS


CLOCKS = {
    "seconds": Clock(1),
    "milliseconds": Clock(1000),
    "microseconds": Clock(MICROSECONDS),
    "digits": Clock(MICROSECONDS, again=100 * MICROSECONDS),
    "decimals": Clock(MICROSECONDS, again=MICROSECONDS),
}
"""Seed functions by name. The paper's takes "the least significant digits as well as the decimal
digits" of the time: ``digits`` has two before the point and six behind it, ``decimals`` the six."""
