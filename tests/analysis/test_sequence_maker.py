"""Sequences of two streams: what decides them, and that a million are made as one would be."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice

import pytest

from sshknock.analysis.generators.bits import BITS
from sshknock.analysis.sequence_maker import (
    PAPER_START,
    Drawn,
    Recipe,
    combine,
    sequences,
    uniforms,
)
from sshknock.errors import BadInput
from sshknock.protocol import henon
from sshknock.protocol.draws import hmac_draws, uniform
from sshknock.protocol.knocks import Knock, Sequence, Transport, is_weak
from sshknock.protocol.parameters import Parameters

KEY = bytes(range(32))
PAPER = Parameters(knocks_min=3)


def made(recipe: Recipe, count: int, seed: bytes | int = KEY) -> list[Drawn]:
    """Return the first sequences of a seed."""
    return list(islice(sequences(recipe, seed), count))


def knocks(drawn: Drawn) -> Sequence:
    """Return a sequence as the rest of the program has it."""
    protocols = (Transport.UDP if bit else Transport.TCP for bit in drawn[1])
    return tuple(map(Knock, drawn[0], protocols))


@pytest.mark.parametrize(("low", "high"), [(3, 6), (3000, 65000), (1, 65535), (4, 4), (1, 40000)])
def test_uniform_numbers_in_a_row_are_those_of_the_derivation(low: int, high: int) -> None:
    """Draws past the last whole span are skipped by both."""
    one_by_one = hmac_draws(KEY)
    expected = [uniform(one_by_one, low, high) for _ in range(3000)]
    assert list(islice(uniforms(hmac_draws(KEY), low, high), 3000)) == expected


def test_a_clocks_seed_is_pythons_own_as_in_the_paper() -> None:
    """Lengths and ports come of random.Random(seed) in turn, protocols of Hénon from (0, 0)."""
    recipe = Recipe(PAPER, "mt19937", "henon", PAPER_START, steps=1, keep_weak=True)
    twister = random.Random(1491555612)
    orbit = henon.orbit_bits(PAPER_START, a=1.4, b=0.3, threshold=0.41085, burn_in=0, steps=1)
    for ports, bits in made(recipe, 500, 1491555612):
        assert len(ports) == 3 + twister.getrandbits(16) % 4
        for port in ports:
            number = twister.getrandbits(16)
            while number >= 62001:
                number = twister.getrandbits(16)
            assert port == 3000 + number
        assert bits == list(islice(orbit, len(bits)))


def test_the_protocols_of_a_clocks_seed_are_the_same_in_each_run() -> None:
    """Which is why the paper's way is for experiments; a key has other ones."""
    recipe = Recipe(PAPER, "mt19937", start=PAPER_START, keep_weak=True)
    first, second = ([b for drawn in made(recipe, 50, n) for b in drawn[1]] for n in (1, 2))
    shorter = min(len(first), len(second))
    assert first[:shorter] == second[:shorter]
    keyed = [b for drawn in made(Recipe(PAPER, keep_weak=True), 10) for b in drawn[1]]
    assert keyed != first[: len(keyed)]


@pytest.mark.parametrize("keep_weak", [False, True])
def test_weak_sequences_are_drawn_again_unless_they_are_kept(*, keep_weak: bool) -> None:
    """Of three knocks more than a half are weak; all are in range, and none is an excluded port."""
    shape = Parameters(
        port_min=5000, port_max=5040, knocks_min=3, knocks_max=3, exclude=frozenset({5001, 5040})
    )
    found = made(Recipe(shape, keep_weak=keep_weak), 2000)
    weak = sum(is_weak(knocks(one)) for one in found)
    assert (900 < weak < 1200) if keep_weak else weak == 0
    ports = {port for one in found for port in one[0]}
    assert ports == set(range(5000, 5041)) - shape.exclude


def test_a_weak_sequence_keeps_its_length_and_consumes_its_ports_and_bits() -> None:
    """As the derivation has it: the streams go on."""
    weak, good = ([1, 2, 3], [0, 1, 0]), ([5, 4, 9], [1, 0, 0])
    ports, bits = iter(weak[0] + good[0]), iter(weak[1] + good[1])
    assert list(combine(iter([3]), ports, bits)) == [good]


def test_all_lengths_are_as_likely_also_when_weak_ones_are_dropped() -> None:
    """A quarter of 4000 each, within five sigmas."""
    lengths = Counter(len(ports) for ports, _ in made(Recipe(PAPER), 4000))
    assert set(lengths) == {3, 4, 5, 6}
    assert all(abs(count - 1000) < 5 * (4000 * 0.25 * 0.75) ** 0.5 for count in lengths.values())


def test_the_three_streams_of_a_key_know_nothing_of_each_other() -> None:
    """Another source of one stream leaves the others as they are."""
    usual = made(Recipe(PAPER, keep_weak=True), 100)
    other_bits = made(Recipe(PAPER, protocol_source="hmac", keep_weak=True), 100)
    other_ports = made(Recipe(PAPER, port_source="mt19937", keep_weak=True), 100)
    assert [one[0] for one in usual] == [one[0] for one in other_bits]
    assert [one[1] for one in usual] == [one[1] for one in other_ports]
    assert [one[1] for one in usual] != [one[1] for one in other_bits]
    assert [one[0] for one in usual] != [one[0] for one in other_ports]


@pytest.mark.parametrize("source", sorted(BITS.keys() - {"hwrng"}))
def test_every_source_of_protocols_makes_sequences(source: str) -> None:
    """None is weak, and both protocols are in each."""
    for one in made(Recipe(PAPER, protocol_source=source), 5):
        assert not is_weak(knocks(one))


@pytest.mark.parametrize(("source", "usual"), [("henon", 8), ("chua", 100)])
def test_the_distance_between_samples_is_ones_own(source: str, usual: int) -> None:
    """The usual one is the derivation's; another gives other protocols, and the same ports."""
    by_default, as_usual, near = (
        made(Recipe(PAPER, protocol_source=source, steps=steps, keep_weak=True), 9)
        for steps in (None, usual, 1)
    )
    assert by_default == as_usual
    assert [one[0] for one in near] == [one[0] for one in as_usual]
    assert [one[1] for one in near] != [one[1] for one in as_usual]


def test_bits_that_never_change_end_in_an_error() -> None:
    """A thousand weak drawings are enough."""
    with pytest.raises(BadInput, match="weak"):
        made(Recipe(Parameters(threshold=2.0)), 1)
