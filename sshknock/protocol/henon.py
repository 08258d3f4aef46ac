"""The Hénon map, x' = y + 1 - a x², y' = b x (the paper's equation 3), and the bits of its orbits.

The arithmetic is IEEE double, evaluated as written: both sides must see the same orbit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sshknock.errors import BadInput
from sshknock.protocol.starting_points import coordinates

BURN_IN_STEPS = 256
STEPS_A_BIT = 8
"""Neighbouring steps tell too much of each other."""

ESCAPED = 1e6
"""An orbit that has left -ESCAPED..ESCAPED does not come back."""

Point = tuple[float, float]


def start(key: bytes) -> Point:
    """Return the point where a key's orbit begins; the paper begins at (0, 0) each time."""
    x, y = coordinates(key, 2)
    return x, y


def step(x: Any, y: Any, a: float, b: float) -> tuple[Any, Any]:
    """Return the point after this one; of arrays of coordinates, arrays."""
    return y + 1.0 - a * x * x, b * x


def orbit_bits(
    point: Point,
    *,
    a: float,
    b: float,
    threshold: float,
    burn_in: int = BURN_IN_STEPS,
    steps: int = STEPS_A_BIT,
) -> Iterator[int]:
    """Yield ``x > threshold`` after every ``steps`` steps; the first ``burn_in`` are thrown away.

    Raises BadInput when the orbit escapes.
    """
    x, y = point
    for _ in range(burn_in):
        x, y = step(x, y, a, b)
    pairs, last = range(steps // 2), steps % 2
    while True:
        for _ in pairs:  # step() twice, in half the time
            between = y + 1.0 - a * x * x
            x = b * x + 1.0 - a * between * between
            y = b * between
        if last:
            x, y = step(x, y, a, b)
        if not -ESCAPED < x < ESCAPED:  # also true of nan
            raise escape(a, b)
        yield 1 if x > threshold else 0


def escape(a: float, b: float) -> BadInput:
    """Return the error of an orbit that does not stay on the attractor."""
    return BadInput(
        f"the orbit escapes with a = {a}, b = {b}",
        "a = 1.4 and b = 0.3 are the paper's, from a start near (0, 0)",
    )
