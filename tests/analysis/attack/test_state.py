"""624 whole outputs tell all others."""

import random

import pytest

from sshknock.analysis.attack.state import OUTPUTS_NEEDED, recovered


@pytest.mark.parametrize("skipped", [0, 1, 623, 1000])
def test_the_generator_goes_on_in_other_hands(skipped: int) -> None:
    """From any 624 outputs in a row, of a seed of 256 bits: the next 2000 are known."""
    victim = random.Random(int.from_bytes(bytes(range(32)), "big"))
    for _ in range(skipped):
        victim.getrandbits(32)
    observer = recovered([victim.getrandbits(32) for _ in range(OUTPUTS_NEEDED)])
    assert [observer.getrandbits(32) for _ in range(2000)] == [
        victim.getrandbits(32) for _ in range(2000)
    ]
