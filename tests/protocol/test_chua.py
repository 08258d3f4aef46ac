"""Chua's circuit: its vectors, and what its orbits and bits have to be."""

import hashlib
import json
import math
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sshknock.analysis import samples
from sshknock.analysis.generators.orbits import chua_orbits
from sshknock.protocol import chua
from sshknock.protocol.derivation import derive, expand
from sshknock.protocol.knocks import Purpose, Transport, is_weak
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

VECTORS: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "chua-vectors.json").read_text()
)
CHUA = Parameters(protocol_source="chua")


def keys(count: int) -> list[bytes]:
    """Return keys like the derivation's."""
    return [hashlib.sha256(b"key %d" % i).digest() for i in range(count)]


def entropy_of_bytes(octets: NDArray[np.uint8]) -> float:
    """Return the entropy of a byte, in eights of a bit, as if there were very many of them.

    Even bytes of chance seem to have less: (256 - 1) / (2 N ln 2) bits (Miller 1955).
    """
    shares = np.bincount(octets, minlength=256) / octets.size
    seen = -(shares[shares > 0] * np.log2(shares[shares > 0])).sum()
    return float(seen + 255 / (2 * octets.size * math.log(2))) / 8


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["key"][:8])
def test_an_orbit_is_that_of_the_independent_implementation(vector: dict[str, str]) -> None:
    """Every bit holds, and so does every bit of the coordinates where the orbit stands then."""
    start = chua.start(bytes.fromhex(vector["key"]))
    assert "".join(map(str, islice(chua.orbit_bits(start), 128))) == vector["bits"]
    point: tuple[float, ...] = start
    for _ in range(chua.BURN_IN_STEPS + 128 * chua.STEPS_A_BIT):
        point = chua.step(*point)
    assert [float.fromhex(text) for text in vector["point"]] == list(point)


def test_orbits_stay_on_the_double_scroll() -> None:
    """4096 of them, 50,000 units of time together: inside its known bounds, and on both scrolls."""
    orbits = chua_orbits(np.array([chua.start(key) for key in keys(4096)]), 100, skip=256)
    assert (np.abs(orbits).max(axis=(0, 1)) < (2.5, 0.45, 3.5)).all()
    # Each scroll turns around a point where the circuit would stand still: x = 3/2, z = -x.
    for side in (1.0, -1.0):
        near = (np.abs(orbits - np.array([1.5, 0.0, -1.5]) * side) < 0.5).all(axis=2)
        assert 0.03 < near.mean() < 0.3
    assert (np.abs(orbits[:, -1, 0]) > 1).mean() > 0.5, "they are not around the origin"


def test_a_long_orbit_stays_bounded_and_visits_both_scrolls_again_and_again() -> None:
    """100,000 steps of one orbit: it goes over to the other scroll at least every 3000 steps."""
    point: tuple[float, ...] = chua.start(keys(1)[0])
    sides = []
    for _ in range(100_000):
        point = chua.step(*point)
        assert abs(point[0]) < 2.5
        sides.append(point[0] > 0)
    crossings = [i for i in range(1, len(sides)) if sides[i] is not sides[i - 1]]
    assert len(crossings) > 1000
    assert max(later - one for one, later in pairwise(crossings)) < 3000


@pytest.mark.parametrize("count", [200_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_half_of_the_bits_are_udp_and_their_bytes_have_all_of_their_entropy(count: int) -> None:
    """P(udp) is 0.500 within 0.005, and blocks of eight have 0.998 of eight bits."""
    found = samples.bits("chua", count, keys(1)[0], CHUA.bits)
    assert abs(found.mean() - 0.5) < 0.005
    assert entropy_of_bytes(np.packbits(found)) > 0.998


def test_the_first_bits_of_keys_have_all_of_their_entropy() -> None:
    """Those are what a sequence takes: over 10,000 keys the bytes of them are even."""
    starts = np.array([chua.start(key) for key in keys(10_000)])
    x = chua_orbits(starts, 8, skip=chua.BURN_IN_STEPS, every=chua.STEPS_A_BIT)[:, :, 0]
    assert entropy_of_bytes(np.packbits(x > 0, axis=1).ravel()) > 0.998


def test_a_derivation_takes_its_protocols_from_chua() -> None:
    """Each sequence's are one drawing of the bits of its key; the trial accepts the parameters."""
    CHUA.check()
    secret = Secret(bytes(32))
    for counter in range(20):
        sequence = derive(secret, Purpose.OPEN, counter, CHUA)
        protocols = [1 if knock.transport is Transport.UDP else 0 for knock in sequence]
        key = expand(secret.value, f"sshknock/v1/open/protocols/{counter}")
        bits = list(islice(chua.orbit_bits(chua.start(key)), 5 * len(sequence)))
        drawings = [bits[i : i + len(sequence)] for i in range(0, len(bits), len(sequence))]
        assert protocols in drawings
        assert not is_weak(sequence)


def test_parameters_travel_with_the_name_of_the_circuit() -> None:
    """A token with chua is read back as it was."""
    assert Parameters.from_dict(CHUA.to_dict()) == CHUA
