"""The section on bits: P(udp), runs, correlation, blocks, and how well the next one is guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import entropy, evenness, order
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.judging import holds
from sshknock.analysis.report.model import Measure, Section, Series

Bits = NDArray[np.uint8]

TOLERANCE = 0.005
"""How far P(udp) may be from 0.5: an attacker who always guesses the more frequent protocol is
right once more in two hundred knocks, which is worth 0.00007 bits a knock."""

GUESSED_AT_MOST = 0.55
"""How often the next bit may be guessed: at 0.55 it has 0.993 bits left of its one."""

BLOCK_AT_LEAST = 0.99
"""The entropy that a byte of bits needs, of the most that it can have."""

_BLOCK = 8
_FEWEST_BLOCKS = 1280  # five for each value of a byte
_SIGMAS = 4


def section(bits: Bits, title: str) -> Section:
    """Measure bits that should be a coin's, one after the other."""
    found = [p_udp(bits), _runs(bits), _correlation(bits), _blocks(bits), _next_bit(bits)]
    measures = tuple(measure for measure in found if measure is not None)
    remarks = []
    if len(measures) < len(found):
        remarks.append(
            f"{len(bits)} bits are too few for all measures: the entropy of bytes needs"
            f" {_FEWEST_BLOCKS * _BLOCK}."
        )
    told_apart = any(measure.holds is False for measure in measures[1:3])
    guess = next((measure for measure in measures if measure.key == "next_bit"), None)
    if told_apart and guess is not None and guess.holds:
        remarks.append(
            f"Tests of {len(bits):,} bits tell them from a coin's. What an observer gains by it is"
            f" {_gained(float(guess.value)):.4f} bits a knock, of the 17 that it is worth."
        )
    return Section("protocols", title, measures, remarks=tuple(remarks))


def section_of_batches(batches: Sequence[Batch], title: str) -> Section:
    """Measure the bits of sequences, which are no plain stream where weak ones are left out."""
    bits = np.concatenate([batch.bits.ravel() for batch in batches])
    share = p_udp(bits)
    patterns = _patterns(batches)
    if patterns is None:
        few = "The sequences are too few to compare the patterns of their protocols: five are"
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
        meaning=f"tcp and udp are as frequent as each other, to within {allowed:.3f}."
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


def _gained(right: float) -> float:
    """Return the bits that are lost when so many guesses are right."""
    if right in {0.0, 1.0}:
        return 1.0
    return 1 + right * math.log2(right) + (1 - right) * math.log2(1 - right)


def _steps(distance: float) -> str:
    return "one step" if distance == 1 else f"{distance:g} steps"


def _runs(bits: Bits) -> Measure | None:
    found = order.runs_of_bits(bits)
    if found is None:
        return None
    fine = holds(found.p)
    kind = "too often" if found.value > found.ideal else "too seldom"
    return Measure(
        "runs",
        "Runs (SP 800-22, 2.3)",
        int(found.value),
        ideal=found.ideal,
        p=found.p,
        holds=fine,
        meaning="The protocol changes as often as a coin's side does."
        if fine
        else f"The protocol changes {kind} from one bit to the next.",
    )


def _correlation(bits: Bits) -> Measure | None:
    found = order.serial_correlation(bits)
    if found is None:
        return None
    fine = holds(found.p)
    return Measure(
        "serial_correlation",
        "Serial correlation",
        found.value,
        ideal=found.ideal,
        p=found.p,
        holds=fine,
        meaning="A bit says nothing of the next one."
        if fine
        else "A bit is a hint at the next one, if a slight one.",
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
        meaning="Eight protocols in a row are worth eight bits, or nearly."
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
        meaning=f"Whoever knows the bits before guesses the next {often} of the time."
        if fine
        else f"The bits before give the next one away: {often} of all guesses are right.",
    )


def _block_counts(bits: Bits) -> entropy.Counts:
    whole = len(bits) - len(bits) % _BLOCK
    return np.bincount(np.packbits(bits[:whole]), minlength=256).astype(np.int64)


def _patterns(batches: Sequence[Batch]) -> Measure | None:
    """Compare how often each pattern of protocols occurs among sequences of a length."""
    statistic, lacking, freedom, total = 0.0, 0.0, 0, 0
    weak_kept = any(
        bool(np.isin(batch.bits.sum(axis=1), (0, batch.length)).any()) for batch in batches
    )
    for batch in batches:
        words = batch.bits @ (1 << np.arange(batch.length))
        counts = np.bincount(words.astype(np.int64), minlength=1 << batch.length)
        if not weak_kept:
            counts = counts[1:-1]
        if len(batch) >= evenness.EXPECTED_AT_LEAST * len(counts):
            expected = len(batch) / len(counts)
            statistic += float(((counts - expected) ** 2 / expected).sum())
            freedom += len(counts) - 1
            total += len(batch)
            lacking += len(batch) * (math.log2(len(counts)) - entropy.shannon(counts))
    if freedom == 0:
        return None
    _, p = evenness.chi_square_p(statistic, freedom)
    fine = holds(p)
    return Measure(
        "patterns",
        "Chi-square, patterns",
        statistic,
        ideal=float(freedom),
        p=p,
        holds=fine,
        meaning="No pattern of tcp and udp is favoured."
        if fine
        else _favoured(lacking - freedom / (2 * math.log(2)), total),
    )


def _favoured(lacking: float, total: int) -> str:
    """Say what ``lacking`` bits of all sequences are; a little below 0 is what chance makes."""
    if lacking < 0:
        return "The patterns of tcp and udp come more evenly than chance has it."
    each = lacking / total
    return f"Some patterns come too often: a sequence is {each:.2g} bits easier to guess by it."
