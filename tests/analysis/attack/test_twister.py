"""The generator for many seeds at a time is Python's own."""

import random

import numpy as np
import pytest

from sshknock.analysis.attack.twister import OUTPUTS_AT_MOST, first_outputs

_EDGES = [0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**61 - 2, 2**64 - 1]


@pytest.mark.parametrize(
    "seeds",
    [
        _EDGES,
        [random.Random(bits).getrandbits(bits) for bits in range(1, 65)],
        [random.Random(bits).getrandbits(bits) for bits in range(1, 33)],
        list(range(1_700_000_000_000_000, 1_700_000_000_000_020)),
    ],
)
def test_each_seed_gives_what_python_gives(seeds: list[int]) -> None:
    """Seeds of one word, of two, and both in one array: every output is ``random.Random``'s."""
    outputs = first_outputs(np.array(seeds, np.uint64), OUTPUTS_AT_MOST)
    for lane, seed in enumerate(seeds):
        python = random.Random(seed)
        assert [python.getrandbits(32) for _ in range(OUTPUTS_AT_MOST)] == outputs[:, lane].tolist()


def test_a_single_output_is_the_first() -> None:
    """What is not asked for is not computed, and changes nothing."""
    seeds = np.arange(100, dtype=np.uint64)
    assert (first_outputs(seeds, 1) == first_outputs(seeds, 3)[:1]).all()
