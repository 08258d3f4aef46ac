"""What it takes to find a seed that was the clock, and a secret that was not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from sshknock.analysis.attack.effort import SECONDS_A_YEAR, Effort
from sshknock.analysis.figures import style

_ROW = 0.42  # inches
_FREE = 1.75  # inches above and below the bars
_ROOM = 36  # powers of ten to the right of the longest bar, for its words

_UNITS = (
    ("year", SECONDS_A_YEAR),
    ("day", 86400.0),
    ("hour", 3600.0),
    ("minute", 60.0),
    ("second", 1.0),
)
_THOUSANDS = ((" trillion", 12), (" billion", 9), (" million", 6), (" thousand", 3))
_TOO_MANY = 15  # powers of ten from which on there are no words


def efforts(clock: Sequence[Effort], secret: Effort, how: str) -> style.Sheet:
    """Draw the guesses, a bar each on a logarithmic scale, with the time that they take one core.

    ``clock`` are the efforts against the paper's scheme, by what is known of the moment when its
    seed was taken; ``secret`` is that against the derivation in use.
    """
    rows = (*clock, secret)
    sheet = style.Sheet(
        "What it takes to find the seed behind one train",
        how,
        _FREE + _ROW * len(rows),
        style.Margins(left=2.15),
    )
    (axes,) = sheet.axes()
    for y, row in enumerate(rows):
        _bar(axes, y, row, ours=row is secret)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set(xlim=(0, _tens(secret) + _ROOM), ylim=(len(rows) - 0.45, -0.55))
    axes.set_xlabel("guesses that try all there is")
    ticks = range(0, round(_tens(secret)) + 1, 10)
    axes.set_xticks(ticks, ["1", *(f"$10^{{{ten}}}$" for ten in ticks[1:])])
    names = [*(f"clock known to {row.known}" for row in clock), secret.known]
    axes.set_yticks(range(len(rows)), names)
    axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    axes.spines["left"].set_visible(False)
    return sheet


def _bar(axes: Axes, y: int, row: Effort, *, ours: bool) -> None:
    color, hatch = (style.ORANGE, "///") if ours else (style.BLUE, "")
    axes.barh(y, _tens(row), 0.6, color=color, hatch=hatch, edgecolor=style.PAPER, lw=0)
    words = f"{guesses(row)}, {duration(row)}"
    label = axes.text(_tens(row) + 0.8, y, words, va="center", size=style.SMALL)
    label.set_bbox({"facecolor": style.PAPER, "edgecolor": "none", "pad": 1})


def _tens(row: Effort) -> float:
    return row.guesses_log2 * math.log10(2)


def guesses(row: Effort) -> str:
    """How many guesses, in words that can be grasped."""
    return f"{_grasped(_tens(row))} guesses"


def duration(row: Effort) -> str:
    """How long they take, in the largest unit that there is one of."""
    for unit, seconds in _UNITS:
        tens = row.seconds_log10 - math.log10(seconds)
        if tens >= 0:
            amount = _grasped(tens)
            return f"{amount} {unit}" if amount == "1" else f"{amount} {unit}s"
    return "less than a second"


def _grasped(tens: float) -> str:
    """Ten to a power with two digits that count."""
    if tens >= _TOO_MANY:
        return f"$10^{{{tens:.0f}}}$"
    for name, power in _THOUSANDS:
        if tens >= power:
            return f"{float(f'{10 ** (tens - power):.2g}'):g}{name}"
    return f"{float(f'{10**tens:.2g}'):g}"
