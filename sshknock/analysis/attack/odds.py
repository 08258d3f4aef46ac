"""How much a train tells: when one is enough to be sure of the seed, and when two are needed."""

from __future__ import annotations

import math


def train_bits(knocks: int, ports: int) -> float:
    """Return the bits of a train's ports; its protocols and its length add none.

    The Hénon orbit of the paper starts at (0, 0) each time, so all protocols are known before the
    first knock; and the length is compared only after the ports.
    """
    return knocks * math.log2(ports)


def chance_matches(candidates: float, lines: int, knocks: int, ports: int) -> float:
    """Return how many wrong seeds give the same train by chance, on average.

    ``lines`` is in how many places of its file the train may have stood.
    """
    return candidates * lines * math.pow(2, -train_bits(knocks, ports))


def knocks_for(candidates: float, lines: int, ports: int, chance: float = 0.001) -> int:
    """Return how many knocks leave less than this chance of a wrong seed."""
    return max(1, math.ceil(math.log2(candidates * lines / chance) / math.log2(ports)))
