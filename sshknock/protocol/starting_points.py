"""Where a chaotic orbit begins: each coordinate from eight bytes of the key."""

from __future__ import annotations

_SPAN = 0.2


def coordinates(key: bytes, count: int) -> tuple[float, ...]:
    """Return numbers of -0.1..0.1, of the highest 53 bits of eight bytes each, big-endian."""
    return tuple(
        ((int.from_bytes(key[i : i + 8], "big") >> 11) / 2**53 - 0.5) * _SPAN
        for i in range(0, 8 * count, 8)
    )
