"""The sections of a report: what they judge, what they say, and what they leave out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.analysis import samples
from sshknock.analysis.measures import batches, doors, ports, protocols, sequences, together
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.counting import PAPER, Scheme
from sshknock.analysis.report.model import Measure, Section
from sshknock.analysis.report.wording import shown
from sshknock.protocol.parameters import Parameters

WHOLE = (0, 65535)
KEY = bytes(32)
NUMBERS = samples.numbers("hmac", 1 << 17, KEY)
BITS = samples.bits("hmac", 1 << 17, bytes([1]) * 32, Parameters().bits)
OURS = Scheme.of(Parameters(), keeps_weak=False)


def judged(section: Section) -> dict[str, bool | None]:
    """Return what each measure says."""
    return {measure.key: measure.holds for measure in section.measures}


def measure(section: Section, key: str) -> Measure:
    """Return one of the measures."""
    return next(each for each in section.measures if each.key == key)


@pytest.mark.parametrize(
    ("numbers", "fails"),
    [
        (NUMBERS[:65536], set()),
        (np.arange(65536), {"entropy", "chi_square", "serial_correlation", "runs"}),
        (np.arange(65536) * 40503 % 65536, {"entropy", "chi_square", "serial_correlation", "runs"}),
        (np.full(65536, 4711), {"entropy", "chi_square"}),
        (np.sort(NUMBERS[:65536]), {"serial_correlation", "runs"}),
        (NUMBERS[:65536] | 256, {"entropy", "chi_square"}),
    ],
    ids=["hmac", "counter", "multiples", "constant", "sorted", "a bit stuck"],
)
def test_each_fault_of_numbers_fails_its_measures(
    numbers: np.typing.NDArray[np.int64], fails: set[str]
) -> None:
    """And what is good fails none."""
    section = ports.section(numbers, WHOLE, "Ports")
    assert {key for key, holds in judged(section).items() if holds is False} == fails
    assert all(each.meaning.endswith(".") for each in section.measures)


def test_short_files_of_a_good_generator_fail_nothing() -> None:
    """Six hundred of them, of 5 to 60 knocks and more: at one NO in ten thousand there is none."""
    rng = np.random.default_rng(11)
    for knocks in [*range(5, 61), 100, 200, 400, 1000] * 10:
        numbers, bits = rng.integers(3000, 65001, knocks), rng.integers(0, 2, knocks)
        rows = knocks - knocks % 5
        batch = Batch(numbers[:rows].reshape(-1, 5), bits[:rows].reshape(-1, 5).astype(np.uint8))
        found = (
            ports.section(numbers, (3000, 65000), "Ports", batch.ports.mean(axis=1)),
            protocols.section_of_batches([batch], "Protocols"),
            together.section(numbers, bits.astype(np.uint8), (3000, 65000)),
        )
        assert [key for each in found for key, fine in judged(each).items() if fine is False] == []


def test_little_is_said_of_few() -> None:
    """A few dozen numbers show gross faults alone, and no sentence says that all is well."""
    section = ports.section(NUMBERS[:60], WHOLE, "Ports")
    assert {"Nothing was found in 60 values, which are too few to say more."} == {
        each.meaning for each in section.measures
    }


@pytest.mark.parametrize(
    ("bits", "fails"),
    [
        (BITS, set()),
        (np.resize([0, 1], 1 << 17), {"runs", "serial_correlation", "block_entropy", "next_bit"}),
        (np.zeros(1 << 17, np.uint8), {"p_udp", "block_entropy", "next_bit"}),
        (
            np.repeat(BITS[: 1 << 16], 2),
            {"runs", "serial_correlation", "block_entropy", "next_bit"},
        ),
        (
            (NUMBERS < 0.6 * 65536).astype(np.uint8),
            {"p_udp", "block_entropy", "next_bit"},
        ),
    ],
    ids=["hmac", "alternating", "constant", "each twice", "60 % udp"],
)
def test_each_fault_of_bits_fails_its_measures(
    bits: np.typing.NDArray[np.uint8], fails: set[str]
) -> None:
    """And a good coin fails none."""
    section = protocols.section(bits.astype(np.uint8), "Protocols")
    assert {key for key, holds in judged(section).items() if holds is False} == fails


def test_a_share_that_is_allowed_fails_no_runs() -> None:
    """P(udp) of 0.503 among a million: a coin a little bent, which changes as often as such do."""
    bits = (np.random.default_rng(4).random(1_000_000) < 0.503).astype(np.uint8)
    section = protocols.section(bits, "Protocols")
    assert judged(section)["p_udp"] is True
    assert "runs" not in judged(section)
    assert any("Runs were not measured: P(udp) rules" in remark for remark in section.remarks)


def test_bits_that_are_all_the_same_are_not_called_too_few() -> None:
    """Neither by themselves nor beside the ports."""
    same = np.ones(1 << 17, np.uint8)
    remarks = (
        *protocols.section(same, "Protocols").remarks,
        *together.section(NUMBERS, same, WHOLE).remarks,
    )
    assert not any("few" in remark for remark in remarks)
    assert "All bits are the same" in remarks[0]
    assert "are of one protocol" in remarks[-1]


@pytest.mark.parametrize(("times", "words"), [(1, "A bit is a hint"), (20, "a slight hint")])
def test_a_hint_is_as_strong_as_it_is(times: int, words: str) -> None:
    """A correlation of -1 is no slight one; one bit in twenty that follows from the last is."""
    tied = np.resize([0, 1], 1 << 17).astype(np.uint8)
    bits = tied if times == 1 else np.where(np.arange(1 << 17) % times == 0, np.roll(BITS, 1), BITS)
    found = measure(protocols.section(bits.astype(np.uint8), "Protocols"), "serial_correlation")
    assert words in found.meaning


def test_what_a_pattern_is_worth_is_its_chance() -> None:
    """A guesser tries the most frequent first: half of all instead of one of six is 1.58 bits."""
    rng = np.random.default_rng(6)
    patterns = np.array([[0, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1], [1, 1, 0]])
    favoured = rng.choice(6, 60_000, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    gained = protocols.pattern_gains(patterns[favoured].astype(np.uint8).ravel(), 3)
    assert gained == pytest.approx(math.log2(0.5 * 6), abs=0.03)
    even = protocols.pattern_gains(patterns[rng.integers(0, 6, 60_000)].astype(np.uint8).ravel(), 3)
    assert even == pytest.approx(0, abs=0.03)
    assert protocols.guesser_gains(0.514, 2) == pytest.approx(0.04, abs=0.001)


@pytest.mark.parametrize(
    ("source", "steps", "says"),
    [
        ("hmac", None, "No pattern of tcp and udp is favoured."),
        (
            "henon",
            1,
            "Some patterns come too often: the best guess gains 2 bits by it.",
        ),
    ],
)
def test_the_protocols_of_sequences_are_judged_by_their_patterns(
    source: str, steps: int | None, says: str
) -> None:
    """Four bits of Henon's map one step apart favour one much."""
    bits = samples.bits(source, 4 * 4000, KEY, Parameters().bits, steps).reshape(-1, 4)
    batch = Batch(np.zeros((4000, 4), np.int64), bits)
    patterns = measure(protocols.section_of_batches([batch], "Protocols"), "patterns")
    assert patterns.meaning == says


@pytest.mark.parametrize(
    ("bits", "named"),
    [
        (NUMBERS >> 8 & 1, "the first bits of the port"),
        (NUMBERS & 1, "the last bits of the port"),
        (np.roll(NUMBERS, -1) >> 15, "the first bits of the next port"),
        (np.roll(NUMBERS, -1) & 1, "the last bits of the next port"),
    ],
    ids=["bit 8", "parity", "the next one's half", "the next one's parity"],
)
def test_streams_that_know_of_each_other_are_found(
    bits: np.typing.NDArray[np.uint16], named: str
) -> None:
    """A protocol that is one of the port's bits tells one bit, wherever that stands."""
    known = measure(together.section(NUMBERS, bits.astype(np.uint8), WHOLE), "mutual_information")
    assert known.holds is False
    assert known.value == pytest.approx(1, abs=0.01)
    assert named in known.meaning


def test_streams_that_know_nothing_of_each_other_pass() -> None:
    """Two independent generators tell none."""
    alone = measure(together.section(NUMBERS, BITS, WHOLE), "mutual_information")
    assert alone.holds is True
    assert alone.value == pytest.approx(0, abs=0.001)


def test_what_a_finite_sample_shows_by_chance_is_taken_off() -> None:
    """Over many small tables of independent things the mean is 0, not the bias of 0.09 bits."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        table = np.bincount(rng.integers(0, 32, 160), minlength=32).reshape(16, 2).astype(float)
        found.append(together.mutual_information(table)[0])
    assert np.mean(found) == pytest.approx(0, abs=0.01)


def test_mutual_information_by_hand() -> None:
    """Two things that are always the same: one bit, less the bias of 1 / (2 n ln 2)."""
    value, p = together.mutual_information(np.array([[50.0, 0.0], [0.0, 50.0]]))
    assert value == pytest.approx(1 - 1 / (200 * math.log(2)))
    assert p < 1e-20


def test_bits_a_knock_are_estimated_from_the_data() -> None:
    """16.9 of the range in use; a generator of few ports is found out."""
    drawn = batches.of_streams(NUMBERS, BITS, (3000, 65000), (4, 6))
    fine = measure(sequences.section(OURS, drawn, 8, of_file=False), "bits_a_knock")
    few = [Batch(3000 + batch.ports % 1000, batch.bits) for batch in drawn]
    found = measure(sequences.section(OURS, few, 8, of_file=False), "bits_a_knock")
    assert (fine.holds, found.holds) == (True, False)
    assert fine.value == pytest.approx(math.log2(2 * 62001), abs=0.05)
    assert found.value == pytest.approx(math.log2(2000), abs=0.05)


def test_what_is_computed_of_sweeps_happens_when_they_are_tried() -> None:
    """The paper's sequences and ours, swept rising and in random order: within four sigmas."""
    drawn = batches.of_streams(NUMBERS, BITS, (3000, 65000), (4, 6))
    strong = [batch.where(~batches.weak(batch)) for batch in drawn]
    papers = batches.of_streams(NUMBERS, BITS, (3000, 65000), (3, 6))
    section = doors.section(OURS, strong, papers, 8, KEY)
    papers_count, count = sum(map(len, papers)), sum(map(len, strong))
    for computed, tried in (
        ("sweep_of_both", "simulated_rising"),
        ("sweep_at_random", "simulated_at_random"),
    ):
        for value, ideal, total in (
            (measure(section, tried).value, measure(section, computed).value, count),
            (measure(section, tried).paper, measure(section, computed).paper, papers_count),
        ):
            assert isinstance(value, float)
            assert isinstance(ideal, float)
            assert abs(value - ideal) <= 4 * math.sqrt(ideal / total)
    assert measure(section, "simulated_rising").value == 0


def test_guesses_overlap_in_a_stream_of_random_knocks() -> None:
    """With four knocks out of ten, half of all streams are at the door as soon as computed."""
    rng = np.random.default_rng(7)
    scheme = Scheme(5, 4, 4, keeps_weak=True)
    door = [0, 3, 5, 9]
    waits = []
    for _ in range(200):
        stream = rng.integers(0, 10, 80_000)
        found = np.flatnonzero(np.all([np.roll(stream, -i) == door[i] for i in range(4)], axis=0))
        waits.append(found[0] if len(found) else len(stream))
    knocks = doors.even_odds_s(scheme, 1) * doors.PACKETS_A_SECOND
    assert np.median(waits) == pytest.approx(knocks, rel=0.3)


def test_repeated_sweeps_have_their_time_where_our_server_fits() -> None:
    """Until even odds, ln 2 over the chance of a sweep; twelve ports cannot be 104 watched ones."""
    drawn = batches.of_streams(NUMBERS[:4000], BITS[:4000], (3000, 65000), (4, 6))
    section = doors.section(OURS, drawn, drawn, 8, KEY)
    sweep, time = (measure(section, key) for key in ("sweep_of_our_server", "sweeping_time"))
    assert (round(1 / float(sweep.value), -3), round(float(time.value) / 3600, 1)) == (406_000, 6.5)
    assert any("tripwires" in remark for remark in section.remarks)
    few = doors.section(Scheme(12, 4, 6, keeps_weak=False), drawn, drawn, 8, KEY)
    assert not {"sweep_of_our_server", "sweeping_time"} & set(judged(few))
    assert not any("tripwires" in remark for remark in few.remarks)


@pytest.mark.parametrize("lines", [1, 20])
def test_of_few_lines_the_lines_are_judged_and_nothing_else(lines: int) -> None:
    """No scheme is made up for them: one strong line is not 'never' and not all of them."""
    rows = np.array([[5000, 4000, 7000, 6000]] * lines), np.array([[0, 1, 1, 0]] * lines, np.uint8)
    held = [Batch(*rows)]
    scheme = Scheme(62001, 4, 4, keeps_weak=False)
    found = doors.section_of_file(scheme, held, KEY)
    assert {each.key: each.value for each in found.measures} == {"simulated_rising": 0}
    assert f"of {lines}, by tcp" in found.measures[0].meaning
    assert set(judged(sequences.section(scheme, held, 1, of_file=True))) == {"weak", "repeated"}


def test_none_of_those_tried_is_not_called_never() -> None:
    """What is counted is none of so many; what is computed can be never."""
    assert (shown(0.0, "share"), shown(0.0, "chance")) == ("none", "never")
    assert (shown(0.5, "share"), shown(0.01, "share")) == ("50.0%", "1 in 100")


def test_nothing_is_minus_zero() -> None:
    """What rounds to nothing has no sign."""
    assert shown(-0.00001, "bits") == "0.0000 bits"


def test_one_length_has_no_more_knocks_to_speak_of() -> None:
    """The cost of drawing again is that of this length."""
    drawn = batches.of_streams(NUMBERS, BITS, (3000, 65000), (8, 8))
    eight = Scheme(62001, 8, 8, keeps_weak=False)
    remarks = sequences.section(eight, drawn, 8, of_file=False).remarks
    assert any(remark.endswith("bits at 8 knocks.") for remark in remarks)


def test_a_scheme_that_keeps_weak_sequences_is_told_so() -> None:
    """What a plain sweep opens is judged, whoever's it is."""
    papers = Scheme.of(PAPER, keeps_weak=True)
    drawn = batches.of_streams(NUMBERS, BITS, (3000, 65000), (3, 6))
    says = judged(doors.section(papers, drawn, drawn, 1, KEY))
    assert (says["sweep_of_one"], says["sweep_of_both"], says["sweep_at_random"]) == (
        *(False, False),
        None,
    )


@given(st.lists(st.integers(3000, 3030), max_size=60), st.integers(0, 2**20))
def test_no_sample_is_too_short_or_too_strange(numbers: list[int], bits: int) -> None:
    """A measure is left out, or says so; nothing is raised."""
    ports.section(np.array(numbers, np.int64), (3000, 3030), "Ports")
    few = np.array([int(bit) for bit in f"{bits:b}"], np.uint8)
    protocols.section(few, "Protocols")
    together.section(np.array(numbers, np.int64), few, (3000, 3030))
