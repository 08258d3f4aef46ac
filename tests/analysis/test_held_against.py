"""What the generators of the paper, and ours, are held against."""

from __future__ import annotations

import pytest

from sshknock.analysis import samples
from sshknock.analysis.examination import Subject, of_bits
from sshknock.analysis.measures import ports, protocols
from sshknock.protocol.parameters import Parameters

KEYS = [bytes([n]) * 32 for n in range(5)]
BITS = Parameters().bits


@pytest.mark.parametrize("key", KEYS, ids=range(5))
def test_the_entropy_of_the_papers_generator_is_the_papers(key: bytes) -> None:
    """0.9995..0.9998 for 65536 numbers in 256 bins, where the paper has 0.99962."""
    numbers = samples.numbers("mt19937", ports.PAPER_NUMBERS, key)
    entropy = ports.section(numbers, (0, 65535), "Ports").measures[0]
    assert (entropy.key, entropy.paper, entropy.holds) == ("entropy", 0.99962, True)
    assert isinstance(entropy.value, float)
    assert 0.9995 <= entropy.value <= 0.9998


@pytest.mark.parametrize("source", ["henon", "hmac", "system", "mt19937"])
def test_a_million_bits_are_half_udp(source: str) -> None:
    """0.500 +- 0.005, as the paper's figure 5 wants it."""
    found = protocols.p_udp(samples.bits(source, 1_000_000, KEYS[1], BITS))
    assert found.value == pytest.approx(0.5, abs=0.005)
    assert found.holds


def test_half_of_chuas_bits_are_udp() -> None:
    """The same for 65536 of them; the long tier has the million."""
    found = protocols.p_udp(samples.bits("chua", 1 << 16, KEYS[1], BITS))
    assert found.value == pytest.approx(0.5, abs=0.005)


@pytest.mark.long
def test_half_of_a_million_of_chuas_bits_are_udp() -> None:
    """0.500 +- 0.005."""
    found = protocols.p_udp(samples.bits("chua", 1_000_000, KEYS[1], BITS))
    assert found.value == pytest.approx(0.5, abs=0.005)


def test_bits_of_the_henon_map_are_worth_more_the_further_apart_they_are() -> None:
    """A byte has 0.70 of its entropy one step apart, and over 0.998 at the eight in use."""
    (section,) = of_bits(Subject("hmac", "henon", Parameters()), nist=False).sections
    (series,) = section.series
    by_distance = dict(series.points)
    assert by_distance[1] == pytest.approx(0.70, abs=0.005)
    assert by_distance[8] > 0.998
    assert series.marked == 8
    assert "one step apart has 0.70" in series.meaning
