"""Decoys: visible ports that belong to no door, and the chance that a sweep opens one.

knockd sees only the ports of its doors, so a scan of all ports that happens to hit a door's knocks
in the right order opens it, whatever it hits in between. Every further visible port that comes in
between resets the attempt. A decoy section begins with port 0, which nobody can send: it starts no
attempt, and makes its other ports visible.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sshknock.protocol.draws import hmac_draws, uniform
from sshknock.protocol.knocks import Knock, Sequence, Transport

PORTS_A_SECTION = 31  # knockd takes 32 ports a door, and the first is 0
DECOYS = 2 * PORTS_A_SECTION
_LOWEST_PORT = 1024


def choose(seed: bytes, taken: Iterable[Knock], count: int = DECOYS) -> list[Knock]:
    """Return decoys that are nobody's knock: the same ones as long as nobody takes them."""
    used = {knock.port for knock in taken}
    draws = hmac_draws(seed)
    decoys: list[Knock] = []
    while len(decoys) < count:
        port = uniform(draws, _LOWEST_PORT, 65535)
        transport = Transport.UDP if next(draws) & 1 else Transport.TCP
        if port not in used:
            used.add(port)
            decoys.append(Knock(port, transport))
    return decoys


def sweep_chance(sequences: Iterable[Sequence], visible: int) -> float:
    """Return the chance that one sweep of all ports, in random order, opens any of the doors.

    The sweep hits each of the ``visible`` (port, protocol) pairs once. It opens a door of L knocks
    when these come one after the other and in order: (n - L + 1)! of the n! orders. Sweeps of one
    protocol, or in ascending or descending order, never do: sequences that they could play are
    weak and not drawn.
    """
    return sum(
        math.exp(math.lgamma(visible - len(s) + 2) - math.lgamma(visible + 1)) for s in sequences
    )
