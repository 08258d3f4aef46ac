"""Protocol sources: a key becomes a stream of bits, 1 for udp and 0 for tcp.

The paper takes the protocols from the Hénon map, x' = y + 1 - a x², y' = b x, sampled against a
threshold. Here the key sets the starting point (the paper starts at (0, 0) each time), and eight
steps lie between two samples: neighbouring steps tell too much of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sshknock.errors import BadInput
from sshknock.protocol.draws import hmac_draws
from sshknock.records import record

Bits = Iterator[int]

BURN_IN_STEPS = 256
STEPS_A_BIT = 8
_START_SPAN = 0.2
_ESCAPED = 1e6


@record
class BitParameters:
    """The map's coefficients and the threshold of the samples (the paper's ``a``, ``b``)."""

    henon_a: float
    henon_b: float
    threshold: float


def _start_coordinate(octets: bytes) -> float:
    u53 = int.from_bytes(octets, "big") >> 11
    return (u53 / 2**53 - 0.5) * _START_SPAN


def henon_bits(key: bytes, parameters: BitParameters) -> Bits:
    """Yield bits of the Hénon map from a starting point that the key sets.

    Raises BadInput when the orbit escapes. The arithmetic is IEEE double, evaluated as written:
    both sides must see the same orbit.
    """
    a, b, threshold = parameters.henon_a, parameters.henon_b, parameters.threshold
    x, y = _start_coordinate(key[0:8]), _start_coordinate(key[8:16])
    steps = BURN_IN_STEPS + STEPS_A_BIT
    while True:
        for _ in range(steps):
            x, y = y + 1.0 - a * x * x, b * x
        if not -_ESCAPED < x < _ESCAPED:  # also true of nan
            raise BadInput(
                f"the Hénon orbit escapes with a = {a}, b = {b}",
                "a = 1.4 and b = 0.3 are the paper's",
            )
        yield 1 if x > threshold else 0
        steps = STEPS_A_BIT


def hmac_bits(key: bytes, parameters: BitParameters) -> Bits:  # noqa: ARG001  one signature for all
    """Yield the lowest bit of each HMAC draw."""
    for draw in hmac_draws(key):
        yield draw & 1


PROTOCOL_SOURCES: dict[str, Callable[[bytes, BitParameters], Bits]] = {
    "henon": henon_bits,
    "hmac": hmac_bits,
}
