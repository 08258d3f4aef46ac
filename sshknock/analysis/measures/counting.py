"""How many sequences there are, and the chance that a sweep or a guess meets one: computed.

N ports can be used, a sequence has L knocks. All sequences are (2 N)^L. The strong ones have L
different ports in an order that does not rise or fall from end to end, and both protocols. These
are three conditions on different things, so their counts multiply:

    C(N, L) sets of ports,  L! - 2 orders,  2^L - 2 patterns of protocols.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from sshknock.protocol.parameters import Parameters

PAPER = Parameters(knocks_min=3, port_source="mt19937")
"""The paper's own scheme: three to six knocks, ports 3000-65000 (sections I and II.C)."""

OTHER_PORTS = 64
"""Ports that our server's knockd watches beside those of the doors: 62 decoys and its guard's 2."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How sequences are drawn: N usable ports, the lengths, and whether weak ones are kept."""

    usable: int
    shortest: int
    longest: int
    keeps_weak: bool

    @classmethod
    def of(cls, parameters: Parameters, *, keeps_weak: bool) -> Scheme:
        """Return what of the parameters matters here."""
        lengths = parameters.knocks_min, parameters.knocks_max
        return cls(parameters.usable_ports, *lengths, keeps_weak=keeps_weak)

    @property
    def lengths(self) -> range:
        """The lengths, each as likely as the others."""
        return range(self.shortest, self.longest + 1)

    def count(self, length: int) -> int:
        """Return how many sequences of a length there are."""
        if self.keeps_weak:
            return self.all(length)
        return math.comb(self.usable, length) * _orders(length) * _patterns(length)

    def all(self, length: int) -> int:
        """Return how many there are with the weak ones."""
        return math.prod([2 * self.usable] * length)

    def bits(self, length: int) -> float:
        """Return the entropy of a sequence whose length is known, in bits."""
        return math.log2(self.count(length))

    def mean(self, of_length: Callable[[int], float]) -> float:
        """Return the mean over the lengths."""
        return fmean(of_length(length) for length in self.lengths)

    # The chance that a sweep, which sends each of its knocks once, plays a sequence. A knockd that
    # watches for one sequence does not see what comes in between.

    def weak(self, length: int) -> float:
        """Return the share of drawings that are weak."""
        strong = Scheme(self.usable, self.shortest, self.longest, keeps_weak=False)
        return 1 - strong.count(length) / self.all(length)

    def swept_by_one_protocol(self, length: int) -> float:
        """Return the chance for all ports of one protocol, rising."""
        return math.comb(self.usable, length) / self.all(length) if self.keeps_weak else 0.0

    def swept_rising(self, length: int) -> float:
        """Return the chance for all ports, rising, tcp and udp at each."""
        return math.comb(2 * self.usable, length) / self.all(length) if self.keeps_weak else 0.0

    def swept_twice(self, length: int) -> float:
        """Return the chance for all ports by tcp, rising, and then all again by udp.

        A strong sequence is met when its tcp knocks come first and each part rises: once for each
        pattern of protocols on each set of ports, less those that rise from end to end.
        """
        if self.keeps_weak:
            return self.swept_rising(length)
        return (1 - (length - 1) / _patterns(length)) / _orders(length)

    def swept_at_random(self, length: int) -> float:
        """Return the chance for all ports and both protocols in random order."""
        return self.swept_rising(length) if self.keeps_weak else 1 / math.factorial(length)

    def watched(self, doors: int, others: int) -> int:
        """Return how many ports knockd watches for several doors and beside them."""
        return doors * round(self.mean(float)) + others

    def swept_among(self, doors: int, others: int) -> float:
        """Return the chance that a random sweep opens one of several doors that knockd watches.

        Each port that it watches ends the attempt at another door: with n of them the knocks of a
        door have to come one right after the other, as in (n - L + 1)! of n! orders.
        """
        watched = self.watched(doors, others)
        return doors * self.mean(
            lambda length: math.factorial(watched - length + 1) / math.factorial(watched)
        )

    def guessed(self) -> tuple[float, int]:
        """Return the best chance of one guessed train at one door, and its length."""
        best = min(self.lengths, key=self.count)
        return 1 / (len(self.lengths) * self.count(best)), best


def _orders(length: int) -> int:
    """Return how many orders of different ports neither rise nor fall from end to end."""
    return math.factorial(length) - 2


def _patterns(length: int) -> int:
    """Return how many patterns of protocols have both."""
    return (1 << length) - 2
