"""A seed of the clock is found from one train, wherever it is and whatever the shape."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest

from sshknock.analysis.attack.attempt import Victim, attempt
from sshknock.analysis.attack.clock import CLOCKS, Moments
from sshknock.analysis.attack.derived import SecretFromClock, sequences
from sshknock.analysis.attack.odds import chance_matches
from sshknock.analysis.attack.scheme import PaperScheme, paper_recipe
from sshknock.analysis.attack.search import BATCH, port_filter, search
from sshknock.analysis.generators.seeds import SECOND_NS, SEED_FUNCTIONS
from sshknock.errors import BadInput
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

READ = 1_491_557_602_482_913_204  # the day of the paper's figures, in nanoseconds
SHAPE = Parameters(knocks_min=3)
PAPER = PaperScheme(paper_recipe(SHAPE))
NEAR = Moments.around(READ, 700_000)


def test_every_seed_function_is_attacked() -> None:
    """What can make a file can be tried."""
    assert set(CLOCKS) == set(SEED_FUNCTIONS)


@pytest.mark.parametrize("name", sorted(CLOCKS))
def test_the_seed_is_found_and_the_next_line_is_known(name: str) -> None:
    """For every seed function: one seed gives the train, it is the victim's, and so is the rest."""
    clock = CLOCKS[name]
    victim = Victim.of(PAPER.lines(clock.seed(READ)))
    near = Moments.around(READ, 700 * clock.tick_ns)
    made = attempt(victim.train, PAPER, clock, near)
    assert [match.seed for match in made.search.matches] == [clock.seed(READ)]
    assert made.predicted == victim.following
    assert made.search.guesses == clock.count(near)


def test_the_guess_is_counted_in_the_order_of_time() -> None:
    """The moment is 700 microseconds after the first that is tried: 700 guesses are wrong."""
    clock = CLOCKS["microseconds"]
    made = attempt(Victim.of(PAPER.lines(clock.seed(READ))).train, PAPER, clock, NEAR)
    assert made.match is not None
    assert made.match.guess == 701


def test_the_guess_is_counted_over_all_batches() -> None:
    """What was tried in earlier batches counts."""
    seeds = np.arange(100, dtype=np.uint64)
    train = next(PAPER.lines(137))
    found = search([seeds, seeds + np.uint64(100)], train, PAPER.lines, PAPER.filter(train, 1))
    assert [(match.seed, match.guess) for match in found.matches] == [(137, 138)]


def test_a_train_further_down_is_found_where_it_is() -> None:
    """The tenth line gives the seed to whoever looks at ten lines, and not to who looks at nine."""
    clock = CLOCKS["microseconds"]
    victim = Victim.of(PAPER.lines(clock.seed(READ)), line=10)
    made = attempt(victim.train, PAPER, clock, NEAR, lines=10)
    assert made.match is not None
    assert (made.match.seed, made.match.line) == (clock.seed(READ), 10)
    assert made.predicted == victim.following
    assert attempt(victim.train, PAPER, clock, NEAR, lines=9).match is None


def test_too_many_lines_are_refused() -> None:
    """Outputs that the quick generator does not have are not looked for in silence."""
    train = next(PAPER.lines(1))
    with pytest.raises(BadInput, match="so far down"):
        PAPER.filter(train, 40)


@pytest.mark.parametrize(
    "shape",
    [
        SHAPE,
        Parameters(port_min=3000, port_max=43000, knocks_min=3),  # 39 of 100 numbers go
        Parameters(port_min=30000, port_max=62767),  # a span of 2^15: none goes
        Parameters(port_min=2000, port_max=2099, exclude=frozenset(range(2010, 2070))),
    ],
)
@pytest.mark.parametrize(("line", "keep_weak"), [(1, True), (4, True), (2, False)])
def test_the_quick_look_loses_no_seed(shape: Parameters, line: int, keep_weak: bool) -> None:
    """Of any seed's own train, the seed is among those that are looked at closely."""
    scheme = PaperScheme(paper_recipe(shape, keep_weak=keep_weak))
    seeds = np.arange(400, dtype=np.uint64)
    for seed in range(0, 400, 57):
        train = next(islice(scheme.lines(seed), line - 1, None))
        assert seed in scheme.filter(train, line)(seeds)


def test_the_quick_look_is_worth_it() -> None:
    """With the paper's range fewer than one seed of a thousand is looked at closely."""
    could_give = port_filter(11045, SHAPE, before=1)
    assert could_give(np.arange(20_000, dtype=np.uint64)).size < 20


def test_nothing_is_found_against_the_derivation() -> None:
    """Ten trains of a pairing, whose secret is no clock: no seed of the clock gives any of them."""
    clock = CLOCKS["microseconds"]
    for train in islice(sequences(Secret(bytes(range(32))), SHAPE), 10):
        assert attempt(train, PAPER, clock, NEAR).search.matches == ()


def test_nothing_is_found_against_a_seed_of_the_system() -> None:
    """The paper's own scheme with 256 bits for a seed: no clock seed gives its trains."""
    seed = int.from_bytes(bytes(range(32)), "big")
    train = next(PAPER.lines(seed))
    for clock in CLOCKS.values():
        near = Moments.around(READ, 700 * clock.tick_ns)
        assert attempt(train, PAPER, clock, near).match is None


def test_the_derivation_over_a_clock_falls() -> None:
    """The control: with the time as a secret the same HKDF does not help."""
    scheme, clock = SecretFromClock(), CLOCKS["milliseconds"]
    victim = Victim.of(scheme.lines(clock.seed(READ)))
    made = attempt(victim.train, scheme, clock, Moments.around(READ, 20_000_000))
    assert made.match is not None
    assert made.match.seed == clock.seed(READ)
    assert made.predicted == victim.following


def test_a_wrong_range_finds_nothing() -> None:
    """Who takes another range of ports for granted does not find the seed."""
    clock = CLOCKS["microseconds"]
    train = next(PAPER.lines(clock.seed(READ)))
    other = PaperScheme(paper_recipe(Parameters(port_min=1024, port_max=65535, knocks_min=3)))
    assert attempt(train, other, clock, NEAR).search.matches == ()


def test_wrong_seeds_are_as_many_as_chance_has_it() -> None:
    """Ten ports and three knocks: of 30,000 seeds 30 give a train by chance, within 5 sigmas."""
    shape = Parameters(port_min=5000, port_max=5009, knocks_min=3, knocks_max=3)
    scheme = PaperScheme(paper_recipe(shape))
    train = next(scheme.lines(1_491_557_602))  # of a seed that is not among those tried
    seeds = [np.arange(30_000, dtype=np.uint64)]
    found = search(seeds, train, scheme.lines, scheme.filter(train, 1))
    expected = chance_matches(30_000, 1, 3, 10)
    assert expected == pytest.approx(30)
    assert abs(len(found.matches) - expected) < 5 * expected**0.5


def test_a_length_that_has_to_match_makes_chance_smaller() -> None:
    """Three to five knocks of ten ports: a third of 30 wrong seeds of 30,000, within 5 sigmas."""
    shape = Parameters(port_min=5000, port_max=5009, knocks_min=3, knocks_max=5)
    scheme = PaperScheme(paper_recipe(shape))
    trains = (next(scheme.lines(1_491_557_602 + i)) for i in range(99))
    train = next(train for train in trains if len(train) == 3)
    clock, moments = CLOCKS["nanoseconds"], Moments(0, 30_000)
    made = attempt(train, scheme, clock, moments)
    assert made.by_chance == pytest.approx(10)
    assert abs(len(made.search.matches) - made.by_chance) < 5 * made.by_chance**0.5


def test_three_knocks_are_enough_for_a_day() -> None:
    """In microseconds and with the paper's range; two are not."""
    day = 86_400_000_000
    assert chance_matches(day, 1, 3, SHAPE.usable_ports) < 0.001
    assert chance_matches(day, 1, 2, SHAPE.usable_ports) > 1


def test_protocols_are_known_beforehand() -> None:
    """Whatever the seed, the paper's protocols are the same from the first knock on."""
    ones = [
        [knock.transport for line in islice(PAPER.lines(s), 9) for knock in line] for s in (1, 2)
    ]
    shortest = min(map(len, ones))
    assert ones[0][:shortest] == ones[1][:shortest]


@pytest.mark.parametrize("name", sorted(CLOCKS))
def test_the_seeds_of_a_time_are_all_there_once(name: str) -> None:
    """Every moment's seed is in one of the batches, and as many as were announced, none twice."""
    clock = CLOCKS[name]
    length = 1500 * clock.tick_ns
    around_a_hundred = Moments.around(1_700_000_100 * SECOND_NS, length // 2)
    for moments in (Moments.around(READ, length), around_a_hundred):
        seeds = np.concatenate(list(clock.batches(moments))).tolist()
        assert len(set(seeds)) == len(seeds) == clock.count(moments)
        ends = [SEED_FUNCTIONS[name](moment) for moment in (moments.first, moments.end - 1)]
        assert {seeds[0], seeds[-1]} == set(ends)
        step = clock.tick_ns
        every = range(moments.first, moments.end, step)
        assert {SEED_FUNCTIONS[name](moment) for moment in every} <= set(seeds)


def test_a_clock_without_seconds_has_few_seeds() -> None:
    """Over a year the decimals give a million seeds, and not one more."""
    year = Moments(0, 31_557_600 * SECOND_NS)
    assert CLOCKS["decimals"].count(year) == 1_000_000


def test_memory_does_not_grow_with_the_search() -> None:
    """Six batches take what one takes."""
    train = next(PAPER.lines(7))
    could_give = PAPER.filter(train, 1)

    def peak(batches: int) -> int:
        clock = CLOCKS["nanoseconds"]
        tracemalloc.reset_peak()
        moments = Moments(READ, READ + batches * BATCH)
        search(clock.batches(moments), train, PAPER.lines, could_give)
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        assert peak(1) < 16_000_000
        assert peak(6) < 1.2 * peak(1)
    finally:
        tracemalloc.stop()
