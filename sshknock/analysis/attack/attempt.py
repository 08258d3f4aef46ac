"""One attack: a train was seen, the clock is roughly known, and the program is public."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from sshknock.analysis.attack.clock import Clock, Moments
from sshknock.analysis.attack.odds import chance_matches
from sshknock.analysis.attack.search import Filter, Match, Search, search
from sshknock.protocol.knocks import Sequence
from sshknock.protocol.parameters import Parameters


class Scheme(Protocol):
    """A program that makes sequences from a number, as anybody can run it."""

    @property
    def parameters(self) -> Parameters:
        """The range of ports and all else that its user may set."""

    def lines(self, seed: int) -> Iterator[Sequence]:
        """Yield the sequences of a seed, line after line."""

    def filter(self, train: Sequence, lines: int) -> Filter:
        """Return a quick look at which seeds could have the train on their first lines."""


@dataclass(frozen=True, slots=True)
class Victim:
    """The train that was seen, and the line after it in the victim's file, where that is known.

    Only the train takes part in an attack; the other is what its prediction is held against.
    """

    train: Sequence
    following: Sequence | None = None

    @classmethod
    def of(cls, lines: Iterator[Sequence], line: int = 1) -> Victim:
        """Take a line of a file, counted from 1, and the one after it."""
        train, following = islice(lines, line - 1, line + 1)
        return cls(train, following)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it; ``predicted`` is the sequence after the train, if a seed was found.

    ``by_chance`` is how many wrong seeds would give the train, on average.
    """

    search: Search
    predicted: Sequence | None
    by_chance: float

    @property
    def match(self) -> Match | None:
        """The first seed that gives the train."""
        return self.search.matches[0] if self.search.matches else None


def attempt(
    train: Sequence,
    scheme: Scheme,
    clock: Clock,
    moments: Moments,
    lines: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Attempt:
    """Try all seeds that the clock can have given; say what would be knocked next.

    The train is looked for on the first ``lines`` lines. Nothing of the victim comes in here but
    the train. ``tell`` hears how far it has come.
    """
    everything = f"{clock.count(moments):,} seeds of {clock.name}"
    found = search(
        clock.batches(moments),
        train,
        scheme.lines,
        scheme.filter(train, lines),
        lines,
        lambda tried: tell(f"{tried:,} of {everything}"),
    )
    predicted = None
    if found.matches:
        first = found.matches[0]
        predicted = next(islice(scheme.lines(first.seed), first.line, None))
    shape = scheme.parameters
    lengths = shape.knocks_max - shape.knocks_min + 1
    chance = chance_matches(found.guesses, lines, len(train), shape.usable_ports, lengths)
    return Attempt(found, predicted, chance)
