"""How many sequences there are, held against writing all of them down."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import permutations, product

import pytest

from sshknock.analysis.measures.counting import OTHER_PORTS, PAPER, Scheme
from sshknock.protocol.knocks import Knock, Sequence, Transport, is_weak
from sshknock.protocol.parameters import Parameters
from sshknock.server.engines.knockd import decoys

OURS = Scheme.of(Parameters(), keeps_weak=False)
PAPERS = Scheme.of(PAPER, keeps_weak=True)

PORTS = 5
TCP, UDP = Transport.TCP, Transport.UDP


def _all(length: int, *, keeps_weak: bool) -> list[Sequence]:
    knocks = [Knock(port, kind) for port in range(1, PORTS + 1) for kind in (TCP, UDP)]
    made = product(knocks, repeat=length)
    return [sequence for sequence in made if keeps_weak or not is_weak(sequence)]


def _plays(sweep: list[Knock], sequence: Sequence) -> bool:
    sent: Iterator[Knock] = iter(sweep)
    return all(knock in sent for knock in sequence)


@pytest.mark.parametrize("length", [3, 4])
@pytest.mark.parametrize("keeps_weak", [True, False])
def test_sequences_are_counted_exactly(length: int, keeps_weak: bool) -> None:
    """As many as there are when all are written down; so is the share of weak ones."""
    scheme = Scheme(PORTS, 3, 4, keeps_weak)
    written = _all(length, keeps_weak=keeps_weak)
    assert scheme.count(length) == len(written)
    every = _all(length, keeps_weak=True)
    assert scheme.weak(length) == pytest.approx(sum(map(is_weak, every)) / len(every))


@pytest.mark.parametrize("length", [3, 4])
@pytest.mark.parametrize("keeps_weak", [True, False])
@pytest.mark.parametrize(
    ("sweep", "chance"),
    [
        ([Knock(port, TCP) for port in range(1, PORTS + 1)], Scheme.swept_by_one_protocol),
        (
            [Knock(port, kind) for port in range(1, PORTS + 1) for kind in (TCP, UDP)],
            Scheme.swept_rising,
        ),
        (
            [Knock(port, kind) for kind in (TCP, UDP) for port in range(1, PORTS + 1)],
            Scheme.swept_twice,
        ),
    ],
    ids=["one protocol", "rising", "twice"],
)
def test_sweeps_are_computed_exactly(
    length: int,
    keeps_weak: bool,
    sweep: list[Knock],
    chance: Callable[[Scheme, int], float],
) -> None:
    """The share of all sequences that the sweep has in it."""
    written = _all(length, keeps_weak=keeps_weak)
    played = sum(_plays(sweep, sequence) for sequence in written)
    scheme = Scheme(PORTS, 3, 4, keeps_weak)
    assert chance(scheme, length) == pytest.approx(played / len(written))


def test_a_random_sweep_is_right_in_one_order_of_all() -> None:
    """All orders of six knocks: of a strong sequence's three, one in six is the right one."""
    knocks = [Knock(port, kind) for port in (1, 2, 3) for kind in (TCP, UDP)]
    strong = (Knock(2, TCP), Knock(3, UDP), Knock(1, TCP))
    orders = list(permutations(knocks))
    played = sum(_plays(list(order), strong) for order in orders)
    assert Scheme(3, 3, 3, keeps_weak=False).swept_at_random(3) == played / len(orders)


def test_with_weak_ones_a_random_sweep_plays_those_without_a_knock_twice() -> None:
    """The mean over all sequences and all orders of four knocks."""
    knocks = [Knock(port, kind) for port in (1, 2) for kind in (TCP, UDP)]
    tried = [
        _plays(list(order), sequence)
        for order in permutations(knocks)
        for sequence in product(knocks, repeat=3)
    ]
    chance = Scheme(2, 3, 3, keeps_weak=True).swept_at_random(3)
    assert chance == pytest.approx(sum(tried) / len(tried))


def test_other_ports_end_the_attempt_of_a_sweep() -> None:
    """All orders of six watched ports: the three of the door have to come one after the other."""
    orders = list(permutations("abcxyz"))
    opened = sum("abc" in "".join(order) for order in orders)
    assert Scheme(100, 3, 3, keeps_weak=False).swept_among(1, 3) == pytest.approx(
        opened / len(orders)
    )


def test_the_entropy_is_that_of_the_design() -> None:
    """67.4, 84.5 and 101.5 bits; eight doors cost 3 of them, the weak rule 0.3."""
    assert [round(OURS.bits(length), 1) for length in OURS.lengths] == [67.4, 84.5, 101.5]
    assert math.log2(OURS.all(4)) - OURS.bits(4) == pytest.approx(0.3, abs=0.05)


def test_one_in_eighteen_of_the_papers_sequences_is_open_to_one_sweep() -> None:
    """A third of a half, and so on: 1/L! for three to six knocks. Ours: none."""
    assert PAPERS.mean(PAPERS.swept_rising) == pytest.approx(1 / 18.3, rel=0.01)
    assert OURS.mean(OURS.swept_rising) == OURS.mean(OURS.swept_by_one_protocol) == 0


def test_other_ports_are_those_of_our_servers_knockd() -> None:
    """Its decoys, and its guard's two."""
    assert OTHER_PORTS == decoys.DECOYS + 2


def test_the_easiest_guess_is_the_shortest_sequence() -> None:
    """Three knocks of the paper's, one of four lengths: 52.8 bits."""
    chance, length = PAPERS.guessed()
    assert length == 3
    assert -math.log2(chance) == pytest.approx(2 + 3 * math.log2(124_002))
