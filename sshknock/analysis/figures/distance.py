"""How far apart the samples of an orbit have to be until they tell little of each other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from sshknock.analysis.figures import style
from sshknock.analysis.report.model import Series

_TALL = 4.1
_LOWEST = 0.05  # below the lowest point, where the axis begins


def block_entropy(curves: Sequence[tuple[str, Series]], how: str) -> style.Sheet:
    """Draw the entropy of protocol blocks, 1 being all that is possible, a panel a generator."""
    sheet = style.Sheet(
        "Entropy of protocols in a row, by the distance of samples",
        how,
        _TALL,
        style.Margins(top=1.25),
    )
    lowest = min(y for _, curve in curves for _, y in curve.points) - _LOWEST
    panels = sheet.axes(columns=(1,) * len(curves))
    for axes, (name, curve) in zip(panels, curves, strict=True):
        _curve(axes, curve)
        axes.set_title(name, loc="left", size=style.NORMAL, color=style.INK, pad=8)
        axes.set_ylim(lowest, 1.02)
        axes.tick_params(labelleft=axes is panels[0])
    panels[0].set_ylabel("share of what is possible")
    return sheet


def _curve(axes: Axes, curve: Series) -> None:
    xs, ys = zip(*curve.points, strict=True)
    axes.axhline(curve.ideal or 1, color=style.INK, lw=1, ls=style.DASHED)
    axes.plot(xs, ys, "o-", ms=4, lw=1.4, color=style.BLUE)
    in_use = dict(curve.points).get(curve.marked) if curve.marked is not None else None
    if curve.marked is not None and in_use is not None:
        axes.axvline(curve.marked, color=style.LINE, lw=1, zorder=0.5)
        axes.plot(curve.marked, in_use, "D", ms=8, mew=0, color=style.ORANGE)
        axes.annotate(
            f"in use: {curve.marked:g} apart\n{in_use:.4f}",
            (curve.marked, in_use),
            xytext=(8, -30),
            textcoords="offset points",
            size=style.SMALL,
        )
    axes.set(xlim=(0, max(xs) * 1.03), xlabel=curve.x_label)
