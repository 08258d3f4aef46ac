"""Figure 2: how often each part of the range of numbers was drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.figures import style

BINS = 256
_VALUES = 1 << 16
_BAND = 2.576  # standard deviations: 99 of 100 bins of a fair source


def histogram(numbers: NDArray[np.integer], source: str) -> style.Sheet:
    """Draw 16-bit numbers in 256 bins, against what a fair source would give.

    A bin's count is binomial, so its standard deviation is the root of n p (1 - p).
    """
    counts, edges = np.histogram(numbers, bins=BINS, range=(0, _VALUES))
    expected = len(numbers) / BINS
    reach = _BAND * float(np.sqrt(expected * (1 - 1 / BINS)))
    outside = np.abs(counts - expected) > reach

    sheet = style.Sheet(
        f"{len(numbers):,} numbers drawn by {source}",
        f"in {BINS} bins; of a fair source 99 in 100 lie within the band,"
        f" here all but {np.count_nonzero(outside)}",
        height=4.1,
        margins=style.Margins(right=1.15),
    )
    (axes,) = sheet.axes()
    axes.stairs(counts, edges, fill=True, color=style.PALE_BLUE)
    for i in np.flatnonzero(outside):
        axes.stairs(counts[i : i + 1], edges[i : i + 2], fill=True, color=style.ORANGE)
    axes.axhspan(expected - reach, expected + reach, color=style.BLUE, alpha=0.16, lw=0)
    axes.axhline(expected, color=style.INK, lw=1)
    axes.set(xlim=(0, _VALUES), ylim=(0, max(1.25 * expected, 1.04 * counts.max())))
    axes.set(xlabel="number, 0 to 65,535", ylabel="numbers in a bin")
    axes.set_xticks(np.linspace(0, _VALUES, 9), [f"{x:,.0f}" for x in np.linspace(0, _VALUES, 9)])
    style.beside(axes, expected, f"{expected:.0f} expected", style.INK)
    style.beside(axes, expected + reach, f"{expected + reach:.0f}")
    style.beside(axes, expected - reach, f"{expected - reach:.0f}")
    return sheet
