"""Orbits of the Hénon map and of Chua's circuit as arrays, for figures and for large samples.

They are those of the derivation, bit for bit: the same steps, in IEEE doubles too. One long orbit
takes the time of Python's arithmetic; many side by side take that of numpy's.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sshknock.protocol import chua, henon

Points = NDArray[np.float64]
_Step = Callable[..., tuple[Any, ...]]


def henon_orbit(
    point: henon.Point, count: int, *, a: float, b: float, skip: int = 0, every: int = 1
) -> Points:
    """Return ``count`` points of one orbit, a row each: x, y. The starting point is not among them.

    ``skip`` steps are thrown away, then each ``every``-th is kept. Raises BadInput when the orbit
    escapes.
    """
    return _within(_one(_henon(a, b), point, count, skip, every), a, b)


def henon_orbits(
    points: Points, count: int, *, a: float, b: float, skip: int = 0, every: int = 1
) -> Points:
    """Return as ``henon_orbit`` for many starting points (a row each): orbit, point, coordinate."""
    with np.errstate(over="ignore", invalid="ignore"):
        return _within(_many(_henon(a, b), points, count, skip, every), a, b)


def chua_orbit(point: chua.Point, count: int, *, skip: int = 0, every: int = 1) -> Points:
    """Return ``count`` points of one orbit, a row each: x, y, z; otherwise as ``henon_orbit``."""
    return _one(chua.step, point, count, skip, every)


def chua_orbits(points: Points, count: int, *, skip: int = 0, every: int = 1) -> Points:
    """Return as ``chua_orbit`` for many starting points (a row each): orbit, point, coordinate."""
    return _many(chua.step, points, count, skip, every)


def _henon(a: float, b: float) -> _Step:
    return lambda x, y: henon.step(x, y, a, b)


def _within(points: Points, a: float, b: float) -> Points:
    if not (np.abs(points) < henon.ESCAPED).all():  # false of nan
        raise henon.escape(a, b)
    return points


def _one(step: _Step, point: tuple[float, ...], count: int, skip: int, every: int) -> Points:
    kept = np.empty((count, len(point)))
    for _ in repeat(None, skip):
        point = step(*point)
    for i in range(count):
        for _ in repeat(None, every):
            point = step(*point)
        kept[i] = point
    return kept


def _many(step: _Step, points: Points, count: int, skip: int, every: int) -> Points:
    orbits, dimensions = points.shape
    kept = np.empty((orbits, count, dimensions))
    now: tuple[Any, ...] = tuple(points[:, i].copy() for i in range(dimensions))
    for _ in repeat(None, skip):
        now = step(*now)
    for i in range(count):
        for _ in repeat(None, every):
            now = step(*now)
        for dimension, values in enumerate(now):
            kept[:, i, dimension] = values
    return kept
