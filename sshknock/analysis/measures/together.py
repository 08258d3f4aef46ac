"""The section on both streams together: what one tells of the other."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import evenness
from sshknock.analysis.measures.judging import holds
from sshknock.analysis.report.model import Measure, Section

_FEWEST_A_CELL = 5
_PROTOCOLS = 2


def section(
    ports: NDArray[np.integer], bits: NDArray[np.uint8], bounds: tuple[int, int]
) -> Section:
    """Measure the mutual information of the ports and the protocols of the same knocks."""
    title = "Both streams: does a port tell its protocol?"
    count = min(len(ports), len(bits))
    low, high = bounds
    bins = min(evenness.MOST_BINS, count // (_FEWEST_A_CELL * _PROTOCOLS), high - low + 1)
    bits = bits[:count]
    if bins < 2 or not 0 < int(bits.sum()) < count:  # noqa: PLR2004  nothing to be told apart
        few = "too few, or of one protocol only"
        return Section("together", title, (), remarks=(f"{count} knocks are {few}: not measured.",))
    places = (ports[:count].astype(np.int64) - low) * bins // (high - low + 1)
    table = np.bincount(places * 2 + bits, minlength=2 * bins).reshape(bins, 2).astype(np.float64)
    value, p = mutual_information(table)
    fine = holds(p)
    measure = Measure(
        "mutual_information",
        "Mutual information",
        value,
        "bits",
        ideal=0.0,
        p=p,
        holds=fine,
        meaning="The two streams know nothing of each other, as the paper asks (section II)."
        if fine
        else "The port is a hint at the protocol: the two streams are not independent.",
    )
    remark = f"{count:,} knocks, {bins} bins of ports; what chance alone would show is taken off."
    return Section("together", title, (measure,), remarks=(remark,))


def mutual_information(table: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mutual information of two things in bits, and the p of their being independent.

    ``table`` counts how often they occur together. A finite sample shows too much on average, by
    (r - 1)(c - 1) / (2 n ln 2) bits (Miller 1955). That is taken off, so the value may be a little
    below 0. The p is the G-test's.
    """
    total = float(table.sum())
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    table, rows, columns = table[rows > 0][:, columns > 0], rows[rows > 0], columns[columns > 0]
    expected = np.outer(rows, columns) / total
    present = table > 0
    bits = float((table[present] * np.log2(table[present] / expected[present])).sum()) / total
    freedom = (len(rows) - 1) * (len(columns) - 1)
    scale = 2 * total * math.log(2)
    return bits - freedom / scale, evenness.above_p(bits * scale, freedom)
