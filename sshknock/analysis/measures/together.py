"""The section on both streams together: what one tells of the other.

A protocol is held against its knock's port and against the next one, and against the first bits of
each and the last: a generator whose last bits are poor would not show in the first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import evenness
from sshknock.analysis.measures.judging import by_p
from sshknock.analysis.report.model import Section

_PROTOCOLS = 2
_TITLE = "Both streams: does a port tell its protocol?"

Ports = NDArray[np.integer]
Bits = NDArray[np.uint8]
Table = NDArray[np.float64]


def section(ports: Ports, bits: Bits, bounds: tuple[int, int]) -> Section:
    """Measure the mutual information of the ports and the protocols of the same knocks."""
    count = min(len(ports), len(bits))
    ports, bits = ports[:count].astype(np.int64), bits[:count]
    low, high = bounds
    span = high - low + 1
    rarer = min(int(bits.sum()), count - int(bits.sum()))
    bins = min(evenness.MOST_BINS, rarer // evenness.EXPECTED_AT_LEAST, span)
    if count and not rarer:
        remark = f"All {count:,} knocks are of one protocol: there is nothing to tell."
        return Section("together", _TITLE, (), remarks=(remark,))
    if bins < 2:  # noqa: PLR2004  one bin holds everything
        remark = f"{count} knocks are too few: not measured."
        return Section("together", _TITLE, (), remarks=(remark,))
    first = (ports - low) * bins // span
    last = ports & ((1 << bins.bit_length() - 1) - 1)
    views = (
        ("the first bits of the port", first, bits),
        ("the last bits of the port", last, bits),
        ("the first bits of the next port", first[1:], bits[:-1]),
        ("the last bits of the next port", last[1:], bits[:-1]),
    )
    found = [(*mutual_information(_table(places, of)), name) for name, places, of in views]
    value, p, name = min(found, key=lambda each: each[1])
    measure = by_p(
        "mutual_information",
        "Mutual information",
        value,
        min(1.0, p * len(views)),  # the worst of so many tests is not as rare as one
        good="Neither the first bits of a port nor its last tell its protocol, or the one before.",
        bad=f"The streams are not independent: {name} and the protocol know of each other.",
        count=count,
        unit="bits",
        ideal=0.0,
    )
    remark = (
        f"{count:,} knocks, {bins} bins of ports; what chance alone would show is taken off. It is"
        " the worst of four: a port and the next one, by their first and their last bits."
    )
    return Section("together", _TITLE, (measure,), remarks=(remark,))


def _table(places: Ports, bits: Bits) -> Table:
    """Count how often a place and a bit come together."""
    rows = int(places.max()) + 1
    counts = np.bincount(places * _PROTOCOLS + bits, minlength=_PROTOCOLS * rows)
    return counts.reshape(rows, _PROTOCOLS).astype(np.float64)


def mutual_information(table: Table) -> tuple[float, float]:
    """Return the mutual information of two things in bits, and the p of their being independent.

    ``table`` counts how often they occur together. A finite sample shows too much on average, by
    (r - 1)(c - 1) / (2 n ln 2) bits (Miller 1955). That is taken off, so the value may be a little
    below 0. The p is that of Pearson's chi-square.
    """
    total = float(table.sum())
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    table, rows, columns = table[rows > 0][:, columns > 0], rows[rows > 0], columns[columns > 0]
    expected = np.outer(rows, columns) / total
    present = table > 0
    bits = float((table[present] * np.log2(table[present] / expected[present])).sum()) / total
    freedom = (len(rows) - 1) * (len(columns) - 1)
    pearson = float(((table - expected) ** 2 / expected).sum())
    scale = 2 * total * math.log(2)
    return bits - freedom / scale, evenness.above_p(pearson, freedom)
