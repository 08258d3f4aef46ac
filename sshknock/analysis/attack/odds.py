"""How much a train tells: when one is enough to be sure of the seed, and when two are needed."""

from __future__ import annotations

import math


def train_bits(knocks: int, ports: int, lengths: int = 1) -> float:
    """Return the bits of a train's ports and of its length; its protocols add none.

    ``lengths`` is how many lengths a train may have, each as likely: 1 where only the first knocks
    are compared. The Hénon orbit of the paper starts at (0, 0) each time, so all protocols are
    known before the first knock.
    """
    return knocks * math.log2(ports) + math.log2(lengths)


def chance_matches(
    candidates: float, lines: int, knocks: int, ports: int, lengths: int = 1
) -> float:
    """Return how many wrong seeds give the same train by chance, on average.

    ``lines`` is in how many places of its file the train may have stood.
    """
    return candidates * lines * math.pow(2, -train_bits(knocks, ports, lengths))
