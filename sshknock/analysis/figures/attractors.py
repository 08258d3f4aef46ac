"""Figure 3 and its like: where the orbits of the chaotic generators go."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from sshknock.analysis.figures import style

Orbit = NDArray[np.float64]
_CLOSER = (0.57, 0.81, 0.145, 0.225)  # x and y: one line of the attractor, which is many


def henon(x: Orbit, y: Orbit, threshold: float, how: str) -> style.Sheet:
    """Draw the pairs of Hénon's map, a part of them closer, and the threshold of the bits."""
    sheet = style.Sheet(
        f"Hénon's attractor, {len(x):,} pairs",
        f"{how}; on the right the frame, closer",
        height=4.9,
    )
    whole, closer = sheet.axes(columns=(2.1, 1), gap=(0, 0.75))
    _points(whole, x, y, size=1.6)
    whole.axvline(threshold, color=style.INK, lw=1, ls=style.DASHED)
    whole.set(xlim=(-1.4, 1.4), ylim=(-0.42, 0.47), xlabel="x", ylabel="y")
    before, after = threshold - 0.03, threshold + 0.03
    whole.text(before, 0.44, "tcp", ha="right", va="center", color=style.TCP, weight="bold")
    whole.text(after, 0.44, "udp", va="center", color=style.UDP, weight="bold")
    whole.text(after, -0.385, f"threshold {threshold:g}", size=style.SMALL)
    left, right, low, high = _CLOSER
    frame = Rectangle((left, low), right - left, high - low, fill=False, ec=style.INK, lw=1)
    whole.add_patch(frame)
    inside = (x > left) & (x < right) & (y > low) & (y < high)
    _points(closer, x[inside], y[inside], size=3)
    closer.set(xlim=(left, right), ylim=(low, high), xlabel="x, in the frame")
    for spine in closer.spines.values():
        spine.set(visible=True, color=style.INK, lw=1)
    return sheet


def chua(x: Orbit, y: Orbit, z: Orbit, threshold: float, how: str) -> style.Sheet:
    """Draw the orbit of Chua's circuit as it is seen from two sides."""
    sheet = style.Sheet("Chua's double scroll", how, height=4.6)
    for axes, other, name in zip(
        sheet.axes(columns=(1, 1), gap=(0, 0.8)), (y, z), "yz", strict=True
    ):
        axes.grid(visible=False)
        axes.plot(x, other, color=style.BLUE, lw=0.35, rasterized=True, antialiased=False)
        axes.axvline(threshold, color=style.INK, lw=1, ls=style.DASHED)
        axes.set(xlabel="x", ylabel=name)
        top = axes.get_ylim()[1]
        axes.text(threshold, top, "tcp ", ha="right", va="top", color=style.TCP, weight="bold")
        axes.text(threshold, top, " udp", va="top", color=style.UDP, weight="bold")
    return sheet


def _points(axes: Axes, x: Orbit, y: Orbit, size: float) -> None:
    """Draw points as pixels within the SVG: thousands of paths would make a huge file."""
    axes.grid(visible=False)
    axes.plot(x, y, ".", ms=size, mew=0, color=style.BLUE, rasterized=True)
