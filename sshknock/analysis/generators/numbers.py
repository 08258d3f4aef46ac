"""Generators of 16-bit numbers, which ports are drawn from: the derivation's, two without a key.

The paper has Python's generator, ``mt19937``, and names true ones as future work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sshknock.analysis.generators import devices
from sshknock.protocol.draws import PORT_SOURCES

_AT_ONCE = 512
"""Bytes that are asked of a device at a time: a slow one should not keep anybody waiting."""


def system_numbers(key: bytes) -> Iterator[int]:  # noqa: ARG001  one signature for all
    """Yield numbers of the operating system's CSPRNG."""
    return _numbers(devices.system)


def hardware_numbers(key: bytes) -> Iterator[int]:  # noqa: ARG001  one signature for all
    """Yield numbers of the machine's true generator; raise SystemFault where there is none."""
    return _numbers(devices.hardware)


NUMBERS: dict[str, Callable[[bytes], Iterator[int]]] = {
    **PORT_SOURCES,
    "system": system_numbers,
    "hwrng": hardware_numbers,
}
"""By name. ``system`` and ``hwrng`` ignore the key."""

KEYLESS = frozenset({"system", "hwrng"})
"""Those that give something else each time, whatever the key."""


def _numbers(device: Callable[[int], bytes]) -> Iterator[int]:
    while True:
        octets = device(_AT_ONCE)
        for i in range(0, _AT_ONCE, 2):
            yield octets[i] << 8 | octets[i + 1]
