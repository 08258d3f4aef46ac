"""Protocol sources: a key becomes a stream of bits, 1 for udp and 0 for tcp.

The paper takes the protocols from the Hénon map, sampled against a threshold, and names Chua's
circuit as future work. Here the key sets where an orbit begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sshknock.protocol import chua, henon
from sshknock.protocol.draws import hmac_draws
from sshknock.records import record

Bits = Iterator[int]


@record
class BitParameters:
    """The Hénon map's coefficients and the threshold of its samples (the paper's ``a``, ``b``)."""

    henon_a: float
    henon_b: float
    threshold: float


def henon_bits(key: bytes, parameters: BitParameters) -> Bits:
    """Yield bits of the Hénon map; raise BadInput when the orbit escapes."""
    return henon.orbit_bits(
        henon.start(key),
        a=parameters.henon_a,
        b=parameters.henon_b,
        threshold=parameters.threshold,
    )


def chua_bits(key: bytes, parameters: BitParameters) -> Bits:  # noqa: ARG001  one signature for all
    """Yield bits of Chua's circuit."""
    return chua.orbit_bits(chua.start(key))


def hmac_bits(key: bytes, parameters: BitParameters) -> Bits:  # noqa: ARG001  one signature for all
    """Yield the lowest bit of each HMAC draw."""
    return (draw & 1 for draw in hmac_draws(key))


PROTOCOL_SOURCES: dict[str, Callable[[bytes, BitParameters], Bits]] = {
    "henon": henon_bits,
    "chua": chua_bits,
    "hmac": hmac_bits,
}
