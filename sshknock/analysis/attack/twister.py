"""The first outputs of Python's Mersenne Twister for thousands of seeds at a time.

Seeding is what a guess costs: some 1,900 steps for a few outputs. Here each step is done for a
whole array of seeds, and only the words of the state that those outputs are made of are kept.
Source: Matsumoto and Nishimura, mt19937ar.c (init_by_array, genrand_int32), which is what
``random.Random(seed)`` does with a whole number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]
Seeds = NDArray[np.uint64]

_STATE_WORDS, _MIDDLE = 624, 397
OUTPUTS_AT_MOST = _STATE_WORDS - _MIDDLE  # those further on are made of words made anew
_FIRST_FACTOR, _SECOND_FACTOR = 1664525, 1566083941
_TWIST = np.uint32(0x9908B0DF)
_UPPER, _LOWER = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)


def first_outputs(seeds: Seeds, count: int) -> Words:
    """Return ``count`` rows: row k has the k-th ``getrandbits(32)`` of each seed.

    ``count`` is at most ``OUTPUTS_AT_MOST``. The memory that it takes is about eight bytes for each
    output.
    """
    low, high = seeds.astype(np.uint32), (seeds >> np.uint64(32)).astype(np.uint32)
    one_word = high == 0
    if one_word.all():
        return _outputs((low,), count)
    if not one_word.any():
        return _outputs((low, high), count)
    found = np.empty((count, seeds.size), np.uint32)
    found[:, one_word] = _outputs((low[one_word],), count)
    found[:, ~one_word] = _outputs((low[~one_word], high[~one_word]), count)
    return found


def _outputs(key: Sequence[Words], count: int) -> Words:
    """Twist and temper words of the seeded states, a row after the other: each fits the cache."""
    start, found = _seeded(key, count)
    scratch = np.empty(start.shape[1], np.uint32)
    for k in range(count):
        row, word = found[k], start[k]
        word &= _UPPER
        np.bitwise_and(start[k + 1], _LOWER, out=scratch)
        word |= scratch
        np.right_shift(word, 1, out=scratch)
        row ^= scratch
        word &= 1
        word *= _TWIST
        row ^= word
        np.right_shift(row, 11, out=scratch)
        row ^= scratch
        for shift, mask in ((7, 0x9D2C5680), (15, 0xEFC60000)):
            np.left_shift(row, shift, out=scratch)
            scratch &= np.uint32(mask)
            row ^= scratch
        np.right_shift(row, 18, out=scratch)
        row ^= scratch
    return found


def _seeded(key: Sequence[Words], count: int) -> tuple[Words, Words]:
    """Return words 0 to ``count``, and as many less one from 397 on, of ``init_by_array``'s states.

    Its second pass goes over the whole state that the first has left. The first is a chain in
    which each word follows from the one before: running it twice takes less time than fetching the
    words of so many states from memory.
    """
    lanes = key[0].size
    start, middle = np.empty((count + 1, lanes), np.uint32), np.empty((count, lanes), np.uint32)
    start[0] = _UPPER
    scratch = np.empty(lanes, np.uint32)
    added = [word + np.uint32(i) for i, word in enumerate(key)]

    def mix(word: Words, factor: int, basis: int | Words) -> None:
        np.right_shift(word, 30, out=scratch)
        np.bitwise_xor(word, scratch, out=word)
        np.multiply(word, factor, out=word)
        np.bitwise_xor(word, basis, out=word)

    def first_pass(word: Words, i: int) -> None:
        mix(word, _FIRST_FACTOR, _BASIS[i])
        np.add(word, added[(i - 1) % len(added)], out=word)

    ahead = np.full(lanes, _BASIS[0], np.uint32)
    first_pass(ahead, 1)
    behind = ahead.copy()
    for i in range(2, _STATE_WORDS):
        first_pass(ahead, i)
    # The last step of the first pass is the second one of word 1.
    mix(ahead, _FIRST_FACTOR, behind)
    ahead += added[(_STATE_WORDS - 1) % len(added)]

    one, word = ahead.copy(), ahead
    for i in range(2, _STATE_WORDS):
        first_pass(behind, i)
        mix(word, _SECOND_FACTOR, behind)
        word -= np.uint32(i)
        if i <= count:
            start[i] = word
        if _MIDDLE <= i < _MIDDLE + count:
            middle[i - _MIDDLE] = word
    mix(word, _SECOND_FACTOR, one)
    start[1] = word - np.uint32(1)
    return start, middle


def _basis() -> list[int]:
    """Return the state that ``init_by_array`` begins with: ``init_genrand(19650218)``."""
    words = [19650218]
    for i in range(1, _STATE_WORDS):
        words.append((1812433253 * (words[-1] ^ words[-1] >> 30) + i) & 0xFFFFFFFF)
    return words


_BASIS = _basis()
