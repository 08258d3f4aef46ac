"""The search itself: try seeds until one gives the train that was seen.

Of each seed only the first outputs are computed, thousands of seeds at a time, and nearly all end
there. The few that could give the train's first port are played through the scheme itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.attack.twister import OUTPUTS_AT_MOST, Seeds, first_outputs
from sshknock.errors import BadInput
from sshknock.protocol.knocks import Sequence
from sshknock.protocol.parameters import Parameters

BATCH = 32_768  # seeds at a time: what they take stays in a core's own memory
_NUMBERS = 1 << 16
_SHIFT = np.uint32(16)

Places = NDArray[np.intp]
Filter = Callable[[Seeds], Places]
"""Which seeds of an array are worth a closer look."""

LinesOf = Callable[[int], Iterable[Sequence]]
"""The sequences that a seed gives, line after line: a scheme, which everybody may know."""


@dataclass(frozen=True, slots=True)
class Match:
    """A seed that gives the train: the how-manieth guess it was, and on which line of its file.

    Both are counted from 1.
    """

    seed: int
    guess: int
    line: int


@dataclass(frozen=True, slots=True)
class Search:
    """What came of a search: how many seeds were tried, in how many seconds of one core."""

    guesses: int
    seconds: float
    matches: tuple[Match, ...]


def port_filter(port: int, shape: Parameters, before: int) -> Filter:
    """Return what tells which seeds could give a port among their first numbers.

    ``before`` is how many numbers of the generator come before the port, at most. A number is the
    highest 16 bits of an output, as ``protocol.draws.uniform`` has it; those past the last whole
    span, and excluded ports, are drawn again. A seed that throws away so many of them that the port
    may come later stays in: none is lost. Raises BadInput when more outputs are needed than can be
    had this way.
    """
    span = shape.port_max - shape.port_min + 1
    values = np.arange(_NUMBERS)
    ports = shape.port_min + values % span
    used = (values < _NUMBERS - _NUMBERS % span) & ~np.isin(ports, list(shape.exclude))
    hit = used & (ports == port)
    count = _outputs_for(before + 1, float(used.mean()))

    def could_give(seeds: Seeds) -> Places:
        numbers = first_outputs(seeds, count) >> _SHIFT
        few = used[numbers].sum(axis=0) <= before
        return np.flatnonzero(hit[numbers].any(axis=0) | few)

    return could_give


def _outputs_for(numbers: int, share: float) -> int:
    """Return how many outputs nearly always have so many numbers that are used."""
    mean, spread = numbers / share, math.sqrt(numbers * (1 - share)) / share
    count = math.ceil(mean + 5 * spread) + 1
    if count > OUTPUTS_AT_MOST:
        raise BadInput(
            "the train cannot be looked for so far down in its file", "look at fewer --lines"
        )
    return count


def search(
    batches: Iterable[Seeds],
    train: Sequence,
    lines_of: LinesOf,
    could_give: Filter,
    lines: int = 1,
    count: Callable[[int], None] = lambda _: None,
) -> Search:
    """Try all seeds of the batches; return every one that has the train on its first ``lines``.

    All are tried, also when one was found: that no other gives the train is part of the answer.
    ``count`` hears how many were tried after each batch.
    """
    started = time.process_time()
    matches: list[Match] = []
    guesses = 0
    for batch in batches:
        for place in could_give(batch):
            seed = int(batch[place])
            matches += (
                Match(seed, guesses + int(place) + 1, line)
                for line, sequence in enumerate(islice(lines_of(seed), lines), start=1)
                if sequence == train
            )
        guesses += batch.size
        count(guesses)
    return Search(guesses, time.process_time() - started, tuple(matches))
