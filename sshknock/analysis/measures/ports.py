"""The section on numbers: the paper's entropy, chi-square, serial correlation, runs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import entropy, evenness, order
from sshknock.analysis.measures.judging import by_p
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
        remarks.append(
            f"{len(values)} are too few for a histogram:"
            f" {2 * evenness.EXPECTED_AT_LEAST} are needed."
        )
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
    statistic, p = evenness.chi_square(sample)
    how = "How evenly the numbers fill the range:"
    bad = "too even for chance" if statistic < bins - 1 else "some come too often to be chance"
    return by_p(
        "entropy",
        f"Shannon entropy, {bins} bins",
        value,
        # The same counts make the chi-square; the entropy's own test, the G-test, errs farther out.
        p,
        good=f"{how} as much as perfect randomness has in a sample of this size, which is below 1.",
        bad=f"{how} {bad}.",
        count=sample.total,
        ideal=entropy.expected_shannon(sample.total, sample.shares) / most,
        paper=PAPER_ENTROPY if paper and bins == evenness.MOST_BINS else None,
    )


def _chi_square(sample: evenness.Binned) -> Measure:
    value, p = evenness.chi_square(sample)
    freedom = len(sample.counts) - 1.0
    return by_p(
        "chi_square",
        f"Chi-square, {len(sample.counts)} bins",
        value,
        p,
        good="No bin is favoured: they differ by what chance makes.",
        bad="Some bins are fuller than chance makes them."
        if value > freedom
        else "The bins are more even than chance makes them.",
        count=sample.total,
        ideal=freedom,
    )


def _correlation(values: Values) -> Measure | None:
    found = order.serial_correlation(values)
    if found is None:
        return None
    return by_p(
        "serial_correlation",
        "Serial correlation",
        found.value,
        found.p,
        good="A number says nothing of the size of the next one.",
        bad="A number tells how large the next one is likely to be.",
        count=len(values),
        ideal=found.ideal,
    )


def _runs(values: Values) -> Measure | None:
    found = order.runs_up_and_down(values)
    if found is None:
        return None
    kind = "more often" if found.value > found.ideal else "more seldom"
    return by_p(
        "runs",
        "Runs up and down",
        int(found.value),
        found.p,
        good="They turn from rising to falling as often as chance does.",
        bad=f"They turn from rising to falling {kind} than chance does.",
        count=len(values),
        ideal=found.ideal,
    )
