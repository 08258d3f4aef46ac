"""Generators of bits, which protocols are drawn from: the derivation's, and those of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sshknock.analysis.generators.numbers import NUMBERS
from sshknock.protocol.bits import PROTOCOL_SOURCES, BitParameters, Bits

BitSource = Callable[[bytes, BitParameters], Bits]


def lowest_bits(numbers: Callable[[bytes], Iterator[int]]) -> BitSource:
    """Return a source of the lowest bit of each number, as the derivation has it for ``hmac``."""

    def source(key: bytes, parameters: BitParameters) -> Bits:  # noqa: ARG001  one signature
        return (number & 1 for number in numbers(key))

    return source


ORBITS = ("henon", "chua")
"""The sources that sample an orbit, every so many steps."""

BITS: dict[str, BitSource] = {
    **PROTOCOL_SOURCES,
    "mt19937": lowest_bits(NUMBERS["mt19937"]),
    "system": lowest_bits(NUMBERS["system"]),
    "hwrng": lowest_bits(NUMBERS["hwrng"]),
}
"""By name. ``system`` and ``hwrng`` ignore the key, and only ``henon`` reads the parameters."""
