"""The generators, and that large samples and orbits of them are the same to the bit."""

from __future__ import annotations

import hashlib
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from sshknock.analysis import samples
from sshknock.analysis.generators import devices
from sshknock.analysis.generators.bits import BITS
from sshknock.analysis.generators.numbers import KEYLESS, NUMBERS
from sshknock.analysis.generators.orbits import chua_orbit, chua_orbits, henon_orbit, henon_orbits
from sshknock.errors import BadInput, SystemFault
from sshknock.protocol import chua, henon
from sshknock.protocol.bits import BitParameters
from sshknock.protocol.parameters import Parameters

KEY = bytes(range(32))
USUAL = Parameters().bits
KEYED_NUMBERS = sorted(NUMBERS.keys() - KEYLESS)
KEYED_BITS = sorted(BITS.keys() - KEYLESS)


@pytest.fixture
def hardware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file in the place of the hardware's device: as even as that, and never empty."""
    monkeypatch.setattr(devices, "HARDWARE", file := tmp_path / "hwrng")
    file.write_bytes(hashlib.shake_256(b"hardware").digest(1 << 16))
    return file


@pytest.mark.parametrize("source", KEYED_NUMBERS)
def test_a_sample_of_numbers_begins_as_the_generator_does(source: str) -> None:
    """Whatever the count: a longer one goes on where a shorter one ends."""
    long = samples.numbers(source, 5000, KEY)
    assert long.dtype == np.uint16
    assert long.tolist() == list(islice(NUMBERS[source](KEY), 5000))
    assert samples.numbers(source, 7, KEY).tolist() == long[:7].tolist()


@pytest.mark.parametrize("source", KEYED_BITS)
def test_a_sample_of_bits_begins_as_the_generator_does(source: str) -> None:
    """64 bits at the least come of the key's own orbit, before another one begins."""
    found = samples.bits(source, 640, KEY, USUAL)
    assert found.dtype == np.uint8
    assert found[:64].tolist() == list(islice(BITS[source](KEY, USUAL), 64))
    assert len(found) == 640


@pytest.mark.parametrize(("source", "steps"), [("henon", None), ("henon", 1), ("henon", 3)])
def test_bits_of_one_orbit_go_on_at_any_distance(source: str, steps: int | None) -> None:
    """As many as one likes, of the key's own orbit alone."""
    found = samples.bits(source, 2000, KEY, USUAL, steps, one_orbit=True)
    orbit = henon.orbit_bits(
        henon.start(KEY), a=1.4, b=0.3, threshold=0.41085, steps=steps or henon.STEPS_A_BIT
    )
    assert found.tolist() == list(islice(orbit, 2000))


def test_bits_of_one_orbit_of_chua_go_on_at_any_distance() -> None:
    """The same for the circuit, 7 steps apart."""
    found = samples.bits("chua", 300, KEY, USUAL, 7, one_orbit=True)
    assert found.tolist() == list(islice(chua.orbit_bits(chua.start(KEY), steps=7), 300))


def test_a_sample_of_many_orbits_has_each_orbits_bits_together() -> None:
    """1280 bits are of twenty orbits, 64 each; their keys are told by ``orbit_keys``."""
    found = samples.bits("chua", 1280, KEY, USUAL, 5).reshape(20, 64)
    keys = samples.orbit_keys(KEY, 20)
    assert keys[0] == KEY
    assert len(set(keys)) == 20
    for key, bits in zip(keys, found.tolist(), strict=True):
        assert bits == list(islice(chua.orbit_bits(chua.start(key), steps=5), 64))


def test_orbits_are_those_of_the_derivations_steps() -> None:
    """One or many, some left out or not: the same doubles to the last bit."""
    starts = [henon.start(hashlib.sha256(b"%d" % i).digest()) for i in range(5)]
    many = henon_orbits(np.array(starts), 50, a=1.4, b=0.3, skip=10, every=3)
    for start, orbit in zip(starts, many, strict=True):
        point = start
        steps = [point := henon.step(*point, 1.4, 0.3) for _ in range(160)]
        assert orbit.tolist() == [list(one) for one in steps[12::3]]
        assert (henon_orbit(start, 50, a=1.4, b=0.3, skip=10, every=3) == orbit).all()
    circuit = [chua.start(hashlib.sha256(b"%d" % i).digest()) for i in range(5)]
    scrolls = chua_orbits(np.array(circuit), 50, skip=10, every=3)
    for begin, orbit in zip(circuit, scrolls, strict=True):
        place = begin
        along = [place := chua.step(*place) for _ in range(160)]
        assert orbit.tolist() == [list(one) for one in along[12::3]]
        assert (chua_orbit(begin, 50, skip=10, every=3) == orbit).all()


def test_an_orbit_begins_one_step_after_its_start() -> None:
    """The paper's figures begin at (0, 0), whose next point is (1, 0)."""
    orbit = henon_orbit((0.0, 0.0), 2, a=1.4, b=0.3)
    assert orbit.tolist() == [[1.0, 0.0], [1.0 - 1.4, 0.3]]


@pytest.mark.parametrize("one_orbit", [True, False])
def test_an_orbit_that_escapes_is_an_error_also_of_a_sample(*, one_orbit: bool) -> None:
    """Nothing is returned that would be called random, and numpy does not complain instead."""
    wild = BitParameters(1.5, 0.3, 0.4)
    with pytest.raises(BadInput, match="escapes"):
        samples.bits("henon", 10_000, KEY, wild, one_orbit=one_orbit)


@pytest.mark.usefixtures("hardware")
@pytest.mark.parametrize("source", sorted(KEYLESS))
def test_generators_without_a_key_give_numbers_and_even_bits(source: str) -> None:
    """All of 16 bits are in use, and half of 8192 bits are ones, within five sigmas."""
    assert max(islice(NUMBERS[source](KEY), 1000)) > 1 << 15
    assert samples.numbers(source, 1000, KEY).max() > 1 << 15
    assert set(islice(BITS[source](KEY, USUAL), 1000)) == {0, 1}
    assert abs(samples.bits(source, 8192, KEY, USUAL).mean() - 0.5) < 5 * 0.5 / 8192**0.5


def test_the_systems_numbers_are_others_each_time() -> None:
    """Whatever the key."""
    assert list(islice(NUMBERS["system"](KEY), 16)) != list(islice(NUMBERS["system"](KEY), 16))


def test_hardware_that_is_not_there_or_gives_nothing_is_one_clear_error(hardware: Path) -> None:
    """The message says why, and the hint names what every machine has."""
    for break_it, why in ((lambda: hardware.write_bytes(b""), "nothing"), (hardware.unlink, "No")):
        break_it()
        with pytest.raises(SystemFault, match=why) as fault:
            next(NUMBERS["hwrng"](KEY))
        assert "'system'" in (fault.value.hint or "")
        with pytest.raises(SystemFault, match="hwrng"):
            samples.bits("hwrng", 8, KEY, USUAL)
