"""The section on bits: P(udp), runs, correlation, blocks, and how well the next one is guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import entropy, evenness, order
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.judging import by_p
from sshknock.analysis.report.model import Measure, Section, Series

Bits = NDArray[np.uint8]

TOLERANCE = 0.005
"""How far P(udp) may be from 0.5: an attacker who always guesses the more frequent protocol is
right once more in two hundred knocks, which is worth 0.0144 bits a knock, log2(2 * 0.505)."""

GUESSED_AT_MOST = 0.55
"""How often the next bit may be guessed: at 0.55 a guesser gains 0.14 bits a knock, of 17."""

BLOCK_AT_LEAST = 0.99
"""The entropy that a byte of bits needs, of the most that it can have."""

_BLOCK = 8
_FEWEST_BLOCKS = 1280  # five for each value of a byte
_SIGMAS = 4
_SLIGHT = 0.1  # of a correlation


def section(bits: Bits, title: str, lengths: Sequence[int] = ()) -> Section:
    """Measure bits that should be a coin's, one after the other.

    ``lengths`` are those of the sequences that are made of them.
    """
    found = [p_udp(bits), _runs(bits), _correlation(bits), _blocks(bits), _next_bit(bits)]
    measures = tuple(measure for measure in found if measure is not None)
    remarks = []
    if len(bits) < _FEWEST_BLOCKS * _BLOCK:
        remarks.append(
            f"{len(bits)} bits are too few for all measures: the entropy of bytes needs"
            f" {_FEWEST_BLOCKS * _BLOCK}."
        )
    elif len(np.unique(bits)) == 1:
        remarks.append("All bits are the same: there is nothing to correlate.")
    if len(bits) >= order.FEWEST_BITS and not order.runs_can_be_tested(bits):
        remarks.append("Runs were not measured: P(udp) rules that test out (SP 800-22, 2.3.4).")
    told_apart = any(measure.holds is False for measure in measures[1:3])
    guess = next((measure for measure in measures if measure.key == "next_bit"), None)
    if told_apart and guess is not None and guess.holds:
        remarks.append(_worth(bits, float(guess.value), lengths))
    return Section("protocols", title, measures, remarks=tuple(remarks))


def _worth(bits: Bits, right: float, lengths: Sequence[int]) -> str:
    """Say what it is worth to a guesser that the bits can be told from a coin's."""
    words = (
        f"Tests of {len(bits):,} bits tell them from a coin's. A guesser gains"
        f" {guesser_gains(right, 2):.2g} bits by it at a knock of which the bits before are known"
    )
    if not lengths:
        return f"{words}."
    gains = [f"{pattern_gains(bits, length):.2g}" for length in lengths]
    whole = ", ".join(map(str, lengths))
    return f"{words}, and {', '.join(gains)} bits at a whole sequence of {whole} knocks."


def guesser_gains(right: float, ways: int) -> float:
    """Return by how many bits the best guess is easier than one of so many equal ways.

    What counts for guessing is the min-entropy: the logarithm of the best guess's chance.
    """
    return max(0.0, math.log2(right * ways))


def pattern_gains(bits: Bits, length: int) -> float:
    """Return what a guesser gains by the pattern of protocols that comes most often.

    Patterns of one protocol are weak, and left out. The first half of the bits tells which pattern
    it is, the second half how often it is right: one half alone would flatter it.
    """
    words = _words(bits[: len(bits) // length * length].reshape(-1, length))
    words = words[(words > 0) & (words < (1 << length) - 1)]
    learnt, tried = np.array_split(words, 2)
    if not len(tried):
        return 0.0
    best = int(np.bincount(learnt).argmax())
    return guesser_gains(float(np.mean(tried == best)), (1 << length) - 2)


def _words(rows: Bits) -> NDArray[np.int64]:
    """Return each row of bits as a number."""
    return np.asarray(rows @ (1 << np.arange(rows.shape[1])), dtype=np.int64)


def section_of_batches(batches: Sequence[Batch], title: str) -> Section:
    """Measure the bits of sequences, which are no plain stream where weak ones are left out."""
    bits = np.concatenate([batch.bits.ravel() for batch in batches])
    share = p_udp(bits)
    patterns = _patterns(batches)
    if patterns is None:
        few = "The sequences are too few to compare the patterns of their protocols: twenty are"
        return Section("protocols", title, (share,), remarks=(f"{few} needed for each pattern.",))
    return Section("protocols", title, (share, patterns))


def p_udp(bits: Bits) -> Measure:
    """Measure the share of udp, which the paper wants at about 50 % (section II.B, figure 5)."""
    ones, total = int(np.count_nonzero(bits)), len(bits)
    value = ones / total
    if total < order.FEWEST_BITS:
        meaning = f"{total} bits are too few to judge by: {order.FEWEST_BITS} are needed."
        return Measure("p_udp", "P(udp)", value, ideal=0.5, paper=0.5, meaning=meaning)
    allowed = max(TOLERANCE, _SIGMAS / (2 * math.sqrt(total)))
    fine = abs(value - 0.5) <= allowed
    more = "udp" if value > 1 / 2 else "tcp"
    return Measure(
        "p_udp",
        "P(udp)",
        value,
        ideal=0.5,
        paper=0.5,
        p=evenness.frequency_p(ones, total),
        holds=fine,
        meaning=f"tcp and udp are as frequent as each other, to within the {allowed:.3f} allowed."
        if fine
        else f"Whoever always guesses {more} is right too often.",
    )


def by_distance(sampled: Sequence[tuple[int, Bits]], in_use: int | None) -> Series:
    """Return the entropy of bytes of bits by the steps that lie between two of them.

    ``sampled`` are distances, and bits that are so far apart; ``in_use`` is the distance of the
    bits that sequences are made of.
    """
    points = []
    for distance, bits in sampled:
        counts = _block_counts(bits)
        # What a sample lacks by chance (Miller 1955); without that, distances can be compared.
        lacking = (np.count_nonzero(counts) - 1) / (2 * float(counts.sum()) * math.log(2))
        points.append((float(distance), min(1.0, (entropy.shannon(counts) + lacking) / _BLOCK)))
    shares = dict(points)
    nearest, used = points[0], shares.get(float(in_use or 0))
    meaning = (
        f"A byte of bits taken {_steps(nearest[0])} apart has {nearest[1]:.2f} of its entropy"
        + (f", {in_use} apart {used:.3f}" if used is not None else "")
        + ". Bits that lie close together predict each other: whoever sees the first protocols of a"
        " sequence guesses the next."
    )
    if nearest[1] >= BLOCK_AT_LEAST:
        meaning = f"A byte of bits has {nearest[1]:.3f} of its entropy however far apart they are."
    return Series(
        "entropy_by_distance",
        "Entropy of a byte of bits by the sampling distance",
        "steps from one bit to the next",
        "share of 8 bits",
        tuple(points),
        ideal=1.0,
        marked=None if in_use is None else float(in_use),
        meaning=meaning,
    )


def _steps(distance: float) -> str:
    return "one step" if distance == 1 else f"{distance:g} steps"


def _runs(bits: Bits) -> Measure | None:
    found = order.runs_of_bits(bits)
    if found is None:
        return None
    kind = "too often" if found.value > found.ideal else "too seldom"
    return by_p(
        "runs",
        "Runs (SP 800-22, 2.3)",
        int(found.value),
        found.p,
        good="The protocol changes as often as a coin's side does.",
        bad=f"The protocol changes {kind} from one bit to the next.",
        count=len(bits),
        ideal=found.ideal,
    )


def _correlation(bits: Bits) -> Measure | None:
    found = order.serial_correlation(bits)
    if found is None:
        return None
    size = "a slight hint" if abs(found.value) < _SLIGHT else "a hint"
    return by_p(
        "serial_correlation",
        "Serial correlation",
        found.value,
        found.p,
        good="A bit says nothing of the next one.",
        bad=f"A bit is {size} at the next one.",
        count=len(bits),
        ideal=found.ideal,
    )


def _blocks(bits: Bits) -> Measure | None:
    counts = _block_counts(bits)
    total = int(counts.sum())
    if total < _FEWEST_BLOCKS:
        return None
    value = entropy.shannon(counts) / _BLOCK
    fine = value >= BLOCK_AT_LEAST
    return Measure(
        "block_entropy",
        "Entropy of 8-bit blocks",
        value,
        ideal=entropy.expected_shannon(total, np.full(256, 1 / 256)) / _BLOCK,
        holds=fine,
        meaning=f"Eight protocols in a row are worth eight bits, to at least {BLOCK_AT_LEAST}."
        if fine
        else f"Eight protocols in a row are worth only {value * _BLOCK:.1f} bits.",
    )


def _next_bit(bits: Bits) -> Measure | None:
    found = order.next_bit(bits)
    if found is None:
        return None
    fine = found.value <= GUESSED_AT_MOST
    often = f"{found.value:.1%}"
    return Measure(
        "next_bit",
        "Next bit guessed",
        found.value,
        ideal=found.ideal,
        p=found.p,
        holds=fine,
        meaning=f"Whoever knows the bits before guesses the next {often} of the time, of at most"
        f" {GUESSED_AT_MOST:.0%} allowed."
        if fine
        else f"The bits before give the next one away: {often} of all guesses are right.",
    )


def _block_counts(bits: Bits) -> entropy.Counts:
    whole = len(bits) - len(bits) % _BLOCK
    return np.bincount(np.packbits(bits[:whole]), minlength=256).astype(np.int64)


def _patterns(batches: Sequence[Batch]) -> Measure | None:
    """Compare how often each pattern of protocols occurs among sequences of a length."""
    statistic, gain, freedom, total = 0.0, 0.0, 0, 0
    weak_kept = any(
        bool(np.isin(batch.bits.sum(axis=1), (0, batch.length)).any()) for batch in batches
    )
    for batch in batches:
        counts = np.bincount(_words(batch.bits), minlength=1 << batch.length)
        if not weak_kept:
            counts = counts[1:-1]
        if len(batch) >= evenness.EXPECTED_AT_LEAST * len(counts):
            expected = len(batch) / len(counts)
            statistic += float(((counts - expected) ** 2 / expected).sum())
            freedom += len(counts) - 1
            total += len(batch)
            gain += len(batch) * guesser_gains(int(counts.max()) / len(batch), len(counts))
    if freedom == 0:
        return None
    _, p = evenness.chi_square_p(statistic, freedom)
    return by_p(
        "patterns",
        "Chi-square, patterns",
        statistic,
        p,
        good="No pattern of tcp and udp is favoured.",
        bad="The patterns of tcp and udp come more evenly than chance has it."
        if statistic < freedom
        else f"Some patterns come too often: the best guess gains {gain / total:.2g} bits by it.",
        count=total,
        ideal=float(freedom),
    )
