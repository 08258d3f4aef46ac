"""Tripwires: ports that no honest client ever touches.

A claim says who sent a door's last knock first. Somebody could take claims beforehand, by sending
a packet to every port there is, and then repeat an honest train when he hears it. So the kernel
also knows many ports that belong to no door, and who touches one of them takes no claim for some
seconds. With 512 wires in the default range of 124,002 ports and protocols he sends some 240
packets until he touches one, and a claim lasts a few seconds: at any moment he holds that of the
next door with a probability of about 0.3 %. An honest client who is out of step may touch a wire,
too; that is why the seconds are few.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable

from sshknock.protocol.draws import hmac_draws, uniform
from sshknock.protocol.knocks import Knock, Transport

WIRES_A_RANGE = 512
_SHARE = 4
_ADDRESSES_A_PORT = 2  # tcp and udp


def choose(
    seed: bytes, ranges: Iterable[tuple[int, int]], *, knocks: Collection[Knock], used: set[int]
) -> set[Knock]:
    """Return the tripwires for ranges of ports, the same ones for the same seed.

    They leave out the ``knocks`` of doors, and ports in use (``used``), whose visitors are guests.
    At most a quarter of a narrow range is wired.
    """
    wires: set[Knock] = set()
    for low, high in set(ranges):
        key = hmac.digest(seed, b"tripwires/%d/%d" % (low, high), "sha256")
        draws = hmac_draws(key)
        count = min(WIRES_A_RANGE, (high - low + 1) * _ADDRESSES_A_PORT // _SHARE)
        for _ in range(count):
            port = uniform(draws, low, high)
            wires.add(Knock(port, Transport.UDP if next(draws) & 1 else Transport.TCP))
    return {wire for wire in wires if wire.port not in used} - set(knocks)
