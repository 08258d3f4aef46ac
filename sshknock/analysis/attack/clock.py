"""The seeds that a clock can have given, for an observer who knows roughly when it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sshknock.analysis.attack.search import BATCH
from sshknock.analysis.attack.twister import Seeds
from sshknock.analysis.generators.seeds import SECOND_NS, SEED_DIGITS, SEED_FUNCTIONS


@dataclass(frozen=True, slots=True)
class Moments:
    """When the clock may have been read: from ``first`` on and before ``end``.

    In nanoseconds since 1970, as ``SEED_FUNCTIONS`` take them.
    """

    first: int
    end: int

    @classmethod
    def around(cls, moment: int, within: int) -> Moments:
        """Return the moments that are at most ``within`` away from one."""
        return cls(max(0, moment - within), moment + within)

    @classmethod
    def whole(cls, moment: int, length: int) -> Moments:
        """Return the whole second, or minute, or whatever ``length`` is, that a moment is in."""
        start = moment - moment % length
        return cls(start, start + length)


@dataclass(frozen=True, slots=True)
class Clock:
    """One of ``SEED_FUNCTIONS``, and after how many nanoseconds it gives another seed.

    ``again`` is after how many seeds they come again; None: never.
    """

    name: str
    tick_ns: int
    again: int | None = None

    def seed(self, moment: int) -> int:
        """Return the seed of a moment."""
        return SEED_FUNCTIONS[self.name](moment)

    def count(self, moments: Moments) -> int:
        """Return how many seeds there are to try."""
        ticks = (moments.end - 1) // self.tick_ns + 1 - moments.first // self.tick_ns
        return ticks if self.again is None else min(ticks, self.again)

    def batches(self, moments: Moments) -> Iterator[Seeds]:
        """Yield all of them, in the order of time."""
        function: Callable[[Any], Any] = SEED_FUNCTIONS[self.name]  # it does for arrays as well
        first = moments.first // self.tick_ns
        end = first + self.count(moments)
        for start in range(first, end, BATCH):
            ticks = np.arange(start, min(start + BATCH, end), dtype=np.int64)
            yield function(ticks * self.tick_ns).astype(np.uint64)


CLOCKS = {
    clock.name: clock
    for clock in (
        Clock("seconds", SECOND_NS),
        Clock("milliseconds", 10**6),
        Clock("microseconds", 10**3),
        Clock("digits", 10**3, again=10 ** (SEED_DIGITS + 6)),
        Clock("decimals", 10**3, again=10**6),
        Clock("nanoseconds", 1),
    )
}
"""All of ``SEED_FUNCTIONS``, the coarse ones first."""
