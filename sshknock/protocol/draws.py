"""Draw sources: a key becomes a stream of 16-bit draws, and draws become numbers of a range.

The paper draws its ports from Python's generator, the Mersenne Twister; ``mt19937`` is that, and
``hmac`` is the default because its past cannot be computed from its output.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from itertools import chain, count, repeat
from struct import unpack

Draws = Iterator[int]

_DRAW_VALUES = 1 << 16


def hmac_draws(key: bytes) -> Draws:
    """Return the HMAC-SHA-256 of one 64-bit block number after the other, two bytes a draw."""

    def block(number: int) -> tuple[int, ...]:
        return unpack(">16H", hmac.digest(key, number.to_bytes(8, "big"), "sha256"))

    return chain.from_iterable(map(block, count()))


def mt19937_draws(key: bytes) -> Draws:
    """Return those of the paper's generator, seeded with the whole key as one number."""
    import random  # noqa: PLC0415  not the default, and it takes a millisecond

    twister = random.Random(int.from_bytes(key, "big"))  # noqa: S311  the paper's, chosen by name
    return map(twister.getrandbits, repeat(16))


PORT_SOURCES: dict[str, Callable[[bytes], Draws]] = {
    "hmac": hmac_draws,
    "mt19937": mt19937_draws,
}


def uniform(draws: Draws, low: int, high: int) -> int:
    """Return a number of ``low..high``, every one as likely: draws past the last whole span go."""
    span = high - low + 1
    fair = _DRAW_VALUES - _DRAW_VALUES % span
    for draw in draws:
        if draw < fair:
            return low + draw % span
    raise AssertionError("a draw source never ends")
