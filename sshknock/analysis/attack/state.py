"""Mersenne Twister's state from 624 of its outputs: no seed is needed then, and none protects.

Each output is one word of the state, tempered, and every step of the tempering can be undone. This
needs whole outputs: a port of 3000-65000 shows 16 of 32 bits, and hides those thrown away before.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

OUTPUTS_NEEDED = 624
_STATE_VERSION = 3  # of random.Random's states


def recovered(outputs: Sequence[int]) -> random.Random:
    """Return a generator that goes on from the last 624 ``getrandbits(32)`` of another."""
    words = tuple(map(_untempered, outputs[-OUTPUTS_NEEDED:]))
    twister = random.Random()  # noqa: S311  what this is about
    twister.setstate((_STATE_VERSION, (*words, OUTPUTS_NEEDED), None))
    return twister


def _untempered(output: int) -> int:
    """Undo the four steps of the tempering, the last one first."""
    word = output ^ output >> 18
    word ^= word << 15 & 0xEFC60000
    tempered = word
    for _ in range(4):  # seven more bits are right each time
        word = tempered ^ word << 7 & 0x9D2C5680
    tempered = word
    for _ in range(2):  # eleven
        word = tempered ^ word >> 11
    return word
