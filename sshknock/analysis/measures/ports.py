"""The section on numbers: the paper's entropy, chi-square, serial correlation, runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import entropy, evenness, order
from sshknock.analysis.measures.judging import holds
from sshknock.analysis.report.model import Measure, Section

PAPER_ENTROPY = 0.99962
"""What the paper's section II.A reports of Python's generator."""

PAPER_NUMBERS = 65536
"""The numbers of the paper's figure 2."""

Values = NDArray[np.integer] | NDArray[np.floating]


def section(
    values: NDArray[np.integer], bounds: tuple[int, int], title: str, in_order: Values | None = None
) -> Section:
    """Measure numbers that should be uniform within inclusive bounds.

    ``in_order`` are the values to look at for what follows what, where that is not ``values``.
    """
    measures, remarks = [], []
    sample = evenness.binned(values, *bounds)
    if sample is None:
        remarks.append(f"{len(values)} are too few for a histogram: 10 are needed.")
    else:
        measures += [_entropy(sample, paper=len(values) == PAPER_NUMBERS), _chi_square(sample)]
        if len(sample.counts) < evenness.MOST_BINS:
            remarks.append(f"So few numbers are sorted into {len(sample.counts)} bins, not 256.")
    followed = values if in_order is None else in_order
    found = [_correlation(followed), _runs(followed)]
    measures += [measure for measure in found if measure is not None]
    if None in found:
        remarks.append(
            f"What follows what was not measured: at least {order.FEWEST_NUMBERS} different values"
            " in a row are needed."
        )
    return Section("ports", title, tuple(measures), remarks=tuple(remarks))


def _entropy(sample: evenness.Binned, *, paper: bool) -> Measure:
    bins = len(sample.counts)
    most = math.log2(bins)
    value = entropy.shannon(sample.counts) / most
    ideal = entropy.expected_shannon(sample.total, sample.shares) / most
    # The entropy falls short by a chi-square (the G-test's), in units of 1 / (2 n ln 2) bits.
    shortfall = max(0.0, (1 - value) * most * 2 * sample.total * math.log(2))
    _, p = evenness.chi_square_p(shortfall, bins - 1)
    good = "as much as perfect randomness has in a sample of this size, which is below 1"
    bad = "too even for chance" if value > ideal else "some numbers come too often to be chance"
    return Measure(
        "entropy",
        f"Shannon entropy, {bins} bins",
        value,
        ideal=ideal,
        paper=PAPER_ENTROPY if paper and bins == evenness.MOST_BINS else None,
        p=p,
        holds=holds(p),
        meaning=f"How evenly the numbers fill the range: {good if holds(p) else bad}.",
    )


def _chi_square(sample: evenness.Binned) -> Measure:
    value, p = evenness.chi_square(sample)
    good = "the bins differ by what chance makes"
    bad = "the bins are not as full as chance would make them"
    return Measure(
        "chi_square",
        f"Chi-square, {len(sample.counts)} bins",
        value,
        ideal=len(sample.counts) - 1.0,
        p=p,
        holds=holds(p),
        meaning=f"No bin is favoured: {good}." if holds(p) else f"Uneven, or too even: {bad}.",
    )


def _correlation(values: Values) -> Measure | None:
    found = order.serial_correlation(values)
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
        meaning="A number says nothing of the size of the next one."
        if fine
        else "A number tells how large the next one is likely to be.",
    )


def _runs(values: Values) -> Measure | None:
    found = order.runs_up_and_down(values)
    if found is None:
        return None
    fine = holds(found.p)
    kind = "more often" if found.value > found.ideal else "more seldom"
    return Measure(
        "runs",
        "Runs up and down",
        int(found.value),
        ideal=found.ideal,
        p=found.p,
        holds=fine,
        meaning="They turn from rising to falling as often as chance does."
        if fine
        else f"They turn from rising to falling {kind} than chance does.",
    )
