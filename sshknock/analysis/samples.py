"""Large samples of the generators as arrays, in seconds for a million.

They are those of ``generators``, to the bit, but for the two chaotic ones: there many short orbits
are followed side by side (``orbit_keys`` says which), unless one long orbit is asked for.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from itertools import count as counting

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.generators import devices
from sshknock.analysis.generators.orbits import (
    chua_orbit,
    chua_orbits,
    henon_orbit,
    henon_orbits,
)
from sshknock.protocol import chua, henon
from sshknock.protocol.bits import BitParameters

Numbers = NDArray[np.uint16]
Bits = NDArray[np.uint8]

_ORBITS = 4096
_BLOCK = 64
"""Bits of an orbit are a multiple of it, so that blocks of 8, or of 64, have one orbit each."""


def numbers(source: str, count: int, key: bytes) -> Numbers:
    """Return the first ``count`` numbers of ``generators.numbers.NUMBERS[source]``."""
    return _NUMBERS[source](count, key)


def bits(
    source: str,
    count: int,
    key: bytes,
    parameters: BitParameters,
    steps: int | None = None,
    *,
    one_orbit: bool = False,
) -> Bits:
    """Return ``count`` bits of ``generators.bits.BITS[source]``.

    ``steps`` is how many it is from one sample of an orbit to the next (None: the derivation's, 8
    for Hénon, 100 for Chua); sources without an orbit ignore it. Chaotic bits come of many orbits,
    one after the other, those of ``rows``; ``one_orbit`` takes all from the key's own orbit, which
    costs 0.15 s for a million steps of Hénon's and 3 s for one of Chua's. Raises BadInput when an
    orbit escapes.
    """
    if source not in _CHAOTIC:
        return (numbers(source, count, key) & 1).astype(np.uint8)
    orbits = 1 if one_orbit else max(1, min(_ORBITS, count // _BLOCK))
    each = count if orbits == 1 else -(-count // (orbits * _BLOCK)) * _BLOCK
    return rows(source, orbits, each, key, parameters, steps).ravel()[:count]


def rows(
    source: str,
    orbits: int,
    count: int,
    key: bytes,
    parameters: BitParameters,
    steps: int | None = None,
) -> Bits:
    """Return ``count`` bits of each of many orbits, an orbit a row: ``orbit_keys`` says which.

    ``source`` is one that has an orbit. Raises BadInput when an orbit escapes.
    """
    return _CHAOTIC[source](count, orbit_keys(key, orbits), parameters, steps)


def orbit_keys(key: bytes, orbits: int) -> list[bytes]:
    """Return the keys of so many orbits: this one, then HMACs of it."""
    others = (hmac.digest(key, b"orbit/%d" % i, "sha256") for i in range(1, orbits))
    return [key, *others]


def _henon_rows(
    count: int, keys: list[bytes], parameters: BitParameters, steps: int | None
) -> Bits:
    every = henon.STEPS_A_BIT if steps is None else steps
    a, b, skip = parameters.henon_a, parameters.henon_b, henon.BURN_IN_STEPS
    points = [henon.start(key) for key in keys]
    if len(points) == 1:
        x = henon_orbit(points[0], count, a=a, b=b, skip=skip, every=every)[np.newaxis, :, 0]
    else:
        x = henon_orbits(np.array(points), count, a=a, b=b, skip=skip, every=every)[:, :, 0]
    return (x > parameters.threshold).astype(np.uint8)


def _chua_rows(
    count: int,
    keys: list[bytes],
    parameters: BitParameters,  # noqa: ARG001  one signature for both
    steps: int | None,
) -> Bits:
    every = chua.STEPS_A_BIT if steps is None else steps
    points = [chua.start(key) for key in keys]
    if len(points) == 1:
        x = chua_orbit(points[0], count, skip=chua.BURN_IN_STEPS, every=every)[np.newaxis, :, 0]
    else:
        x = chua_orbits(np.array(points), count, skip=chua.BURN_IN_STEPS, every=every)[:, :, 0]
    return (x > 0.0).astype(np.uint8)


def _mt19937(count: int, key: bytes) -> Numbers:
    import random  # noqa: PLC0415  not needed for the others

    # The words of a long number are the generator's, least significant first; a draw is the upper
    # half of one.
    words = random.Random(int.from_bytes(key, "big")).getrandbits(32 * count)  # noqa: S311
    octets = words.to_bytes(4 * count, "little")
    return (np.frombuffer(octets, dtype="<u4") >> 16).astype(np.uint16)


def _hmac(count: int, key: bytes) -> Numbers:
    digests = bytearray()
    blocks = counting()
    while len(digests) < 2 * count:
        digests += hmac.digest(key, next(blocks).to_bytes(8, "big"), "sha256")
    return _big_endian(bytes(digests[: 2 * count]))


def _system(count: int, key: bytes) -> Numbers:  # noqa: ARG001  one signature for all
    return _big_endian(devices.system(2 * count))


def _hwrng(count: int, key: bytes) -> Numbers:  # noqa: ARG001  one signature for all
    return _big_endian(devices.hardware(2 * count))


def _big_endian(octets: bytes) -> Numbers:
    return np.frombuffer(octets, dtype=">u2").astype(np.uint16)


_NUMBERS: dict[str, Callable[[int, bytes], Numbers]] = {
    "hmac": _hmac,
    "mt19937": _mt19937,
    "system": _system,
    "hwrng": _hwrng,
}
_CHAOTIC: dict[str, Callable[[int, list[bytes], BitParameters, int | None], Bits]] = {
    "henon": _henon_rows,
    "chua": _chua_rows,
}
