"""Figure 4 and its like: the variables of a chaotic generator over time, and where bits are taken.

The paper holds every value of x against the threshold; the derivation does so at a distance, since
neighbours tell of each other.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sshknock.analysis.figures import style

Values = NDArray[np.float64]
_MARGINS = style.Margins(right=1.3)


def henon(x: Values, y: Values, threshold: float, distance: int, how: str) -> style.Sheet:
    """Draw x and y of Hénon's map, with every ``distance``-th x as the bit that it gives."""
    sheet = style.Sheet(f"Hénon's variables over {len(x)} steps", how, 4.9, _MARGINS)
    upper, lower = sheet.axes(rows=(1.5, 1), gap=(0.25, 0), aligned=True)
    step = np.arange(1, len(x) + 1)
    for axes, values in ((upper, x), (lower, y)):
        axes.plot(step, values, color=style.LINE, lw=0.8)
    _bits(upper, step, x, threshold, distance)
    upper.set(ylim=(-1.45, 1.45), yticks=(-1, 0, 1), ylabel="x")
    upper.tick_params(labelbottom=False, length=0)
    lower.set(xlim=(0, 1.01 * len(x)), ylim=(-0.45, 0.45), yticks=(-0.3, 0, 0.3), ylabel="y")
    lower.set_xlabel("step")
    return sheet


def chua(x: Values, threshold: float, distance: int, how: str) -> style.Sheet:
    """Draw x of Chua's circuit, with every ``distance``-th value as the bit that it gives."""
    sheet = style.Sheet(f"x of Chua's circuit over {len(x):,} steps", how, 3.9, _MARGINS)
    (axes,) = sheet.axes()
    step = np.arange(1, len(x) + 1)
    axes.plot(step, x, color=style.LINE, lw=0.8)
    _bits(axes, step, x, threshold, distance)
    axes.set(xlim=(0, 1.01 * len(x)), xlabel="step", ylabel="x")
    return sheet


def _bits(
    axes: Axes, step: NDArray[np.integer], x: Values, threshold: float, distance: int
) -> None:
    """Mark the samples above and below the threshold, by shape and by colour."""
    samples = slice(distance - 1, None, distance)
    step, x = step[samples], x[samples]
    udp = x > threshold
    axes.plot(step[udp], x[udp], style.UDP_MARK, ms=4.5, mew=0, color=style.UDP)
    axes.plot(step[~udp], x[~udp], style.TCP_MARK, ms=4, mew=0, color=style.TCP)
    axes.axhline(threshold, color=style.INK, lw=1, ls=style.DASHED)
    low, high = axes.get_ylim()
    style.beside(axes, threshold, f"threshold\n{threshold:g}", style.INK)
    style.beside(axes, (threshold + high) / 2 + 0.1 * (high - low), "udp above", style.UDP)
    style.beside(axes, (threshold + low) / 2 - 0.1 * (high - low), "tcp below", style.TCP)
