"""Chua's circuit, the paper's future work, on the double scroll, and the bits of its orbits.

The circuit without dimensions (Matsumoto, Chua and Komuro, The Double Scroll, 1985):

    x' = alpha (y - x - f(x))    f(x) = m1 x + (m0 - m1) (|x + 1| - |x - 1|) / 2
    y' = x - y + z               alpha = 9, beta = 100/7
    z' = -beta y                 m0 = -8/7, m1 = -5/7

The method of Runge and Kutta follows it, fourth order, in steps of 1/8 of the unit of time. The
arithmetic is IEEE double, evaluated as written, without a fused multiply-add: both sides must see
the same orbit. ``docs/adr/0022-chua.md`` has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sshknock.protocol.starting_points import coordinates

BURN_IN_STEPS = 256
STEPS_A_BIT = 100
"""12.5 units of time: half of all samples are on the same scroll as the one before."""

_STEP = 0.125
_HALF_STEP = 0.0625
_SIXTH_STEP = 0.125 / 6.0

# x' = _Y y - _X x + _BEND (|x + 1| - |x - 1|)
_Y = 9.0  # alpha
_X = 18.0 / 7.0  # alpha (1 + m1)
_BEND = 27.0 / 14.0  # alpha (m1 - m0) / 2
_BETA = 100.0 / 7.0

Point = tuple[float, float, float]


def start(key: bytes) -> Point:
    """Return the point where a key's orbit begins."""
    x, y, z = coordinates(key, 3)
    return x, y, z


def step(x: Any, y: Any, z: Any) -> tuple[Any, Any, Any]:
    """Return the point after this one; of arrays of coordinates, arrays."""
    x1 = _Y * y - _X * x + _BEND * (abs(x + 1.0) - abs(x - 1.0))
    y1 = x - y + z
    z1 = -_BETA * y
    u, v, w = x + _HALF_STEP * x1, y + _HALF_STEP * y1, z + _HALF_STEP * z1
    x2 = _Y * v - _X * u + _BEND * (abs(u + 1.0) - abs(u - 1.0))
    y2 = u - v + w
    z2 = -_BETA * v
    u, v, w = x + _HALF_STEP * x2, y + _HALF_STEP * y2, z + _HALF_STEP * z2
    x3 = _Y * v - _X * u + _BEND * (abs(u + 1.0) - abs(u - 1.0))
    y3 = u - v + w
    z3 = -_BETA * v
    u, v, w = x + _STEP * x3, y + _STEP * y3, z + _STEP * z3
    x4 = _Y * v - _X * u + _BEND * (abs(u + 1.0) - abs(u - 1.0))
    y4 = u - v + w
    z4 = -_BETA * v
    return (
        x + _SIXTH_STEP * (x1 + 2.0 * x2 + 2.0 * x3 + x4),
        y + _SIXTH_STEP * (y1 + 2.0 * y2 + 2.0 * y3 + y4),
        z + _SIXTH_STEP * (z1 + 2.0 * z2 + 2.0 * z3 + z4),
    )


def orbit_bits(
    point: Point, *, burn_in: int = BURN_IN_STEPS, steps: int = STEPS_A_BIT
) -> Iterator[int]:
    """Yield ``x > 0``, which scroll it is, after every ``steps`` steps past the ``burn_in``."""
    x, y, z = point
    way = range(burn_in + steps)
    while True:
        for _ in way:
            x, y, z = step(x, y, z)
        yield 1 if x > 0.0 else 0
        way = range(steps)
