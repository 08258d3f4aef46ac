"""At which distances the bits of an orbit are looked at, to see what they are worth.

The orbits are those of ``samples``; ``measures.protocols`` says what it means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sshknock.analysis import samples
from sshknock.analysis.measures.protocols import by_distance
from sshknock.analysis.report.model import Series
from sshknock.protocol import chua, henon
from sshknock.protocol.bits import BitParameters

_ORBITS = 4096
_BITS = 16  # of each orbit, at the largest distance
_BLOCK = 8
_BITS_ELSEWHERE = 1 << 18


@dataclass(frozen=True, slots=True)
class _Grid:
    """Every how many steps orbits are looked at, the distances that are measured, and the usual."""

    every: int
    distances: tuple[int, ...]
    usual: int

    @property
    def points(self) -> int:
        """How many points of an orbit that takes."""
        return max(self.distances) * _BITS // self.every


_GRIDS = {
    "henon": _Grid(1, tuple(range(1, 21)), henon.STEPS_A_BIT),
    "chua": _Grid(5, (5, *range(10, 161, 10)), chua.STEPS_A_BIT),
}

USUAL = {source: grid.usual for source, grid in _GRIDS.items()}
"""How many steps the derivation takes for a bit, by the sources that have an orbit."""


def curve(source: str, key: bytes, parameters: BitParameters, in_use: int | None = None) -> Series:
    """Return the entropy of eight bits in a row by their distance, of a source with an orbit.

    ``in_use`` is the distance to be marked (None: the usual). Raises BadInput when an orbit
    escapes.
    """
    grid = _GRIDS[source]
    marked = grid.usual if in_use is None else in_use
    rows = samples.rows(source, _ORBITS, grid.points, key, parameters, grid.every)
    sampled = [(distance, _apart(rows, distance // grid.every)) for distance in grid.distances]
    if marked not in grid.distances:
        elsewhere = samples.bits(source, _BITS_ELSEWHERE, key, parameters, marked)
        sampled = sorted([*sampled, (marked, elsewhere)], key=lambda pair: pair[0])
    return by_distance(sampled, marked)


def _apart(rows: samples.Bits, points: int) -> samples.Bits:
    """Return the bits that are so many points apart, eight in a row of one orbit."""
    apart = rows[:, points - 1 :: points]
    whole = apart.shape[1] - apart.shape[1] % _BLOCK
    return np.asarray(apart[:, :whole].ravel())
