"""One look for all figures, and SVG that is the same wherever and whenever it is made.

Letters are drawn as paths of matplotlib's own font, so that a figure needs no font to be there. The
background is opaque: a figure reads well on a dark page too. The colours are Okabe and Ito's, which
people tell apart however they see colours; nothing is said by colour alone.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

PAPER = "#ffffff"
INK = "#1f2933"
MUTED = "#5b6775"
LINE = "#a9b4c0"
RULE = "#e3e7ec"
BLUE = "#0072b2"
PALE_BLUE = "#b9d8ea"
ORANGE = "#d55e00"
PALE_ORANGE = "#f6d3bb"
PALETTE = {
    "paper": PAPER,
    "ink": INK,
    "muted": MUTED,
    "line": LINE,
    "rule": RULE,
    "blue": BLUE,
    "pale-blue": PALE_BLUE,
    "orange": ORANGE,
    "pale-orange": PALE_ORANGE,
}
# What a page that holds figures makes of the same colours in dark surroundings.
DARK = {
    "paper": "#171c22",
    "ink": "#e6eaef",
    "muted": "#a3aebb",
    "line": "#5f6c7b",
    "rule": "#2b333c",
    "blue": "#56b4e9",
    "pale-blue": "#24506d",
    "orange": "#ff8c42",
    "pale-orange": "#6b3a1d",
}
TCP, UDP = BLUE, ORANGE
TCP_MARK, UDP_MARK = "o", "^"
DASHED = (0, (4, 2))
MONOSPACED = "DejaVu Sans Mono"

TINY, SMALL, NORMAL, LARGE = 8.0, 9.0, 10.0, 13.0  # points
WIDTH = 8.0  # inches: 768 pixels, a README's column
MARGIN = 0.25
_TITLE_DROP, _SUBTITLE_DROP = 0.40, 0.66  # inches from the top edge to the line's foot
_DOTS = 240  # an inch, of what is drawn as pixels

_SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": PAPER,
    "font.family": ["DejaVu Sans"],
    "font.size": NORMAL,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 1.2,
    "mathtext.fontset": "dejavusans",
    "path.simplify": True,
    "savefig.facecolor": "auto",
    "svg.fonttype": "path",
    "svg.hashsalt": "sshknock",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.color": MUTED,
    "ytick.labelsize": SMALL,
}


def styled() -> AbstractContextManager[None]:
    """Draw by these settings, whatever the user's own are, for the time of a ``with`` block."""
    return style.context(_SETTINGS, after_reset=True)


@dataclass(frozen=True, slots=True)
class Margins:
    """What stays free around the axes, in inches; titles stand above ``top``."""

    left: float = 0.85
    right: float = 0.25
    bottom: float = 0.60
    top: float = 1.00


class Sheet:
    """A figure with a title and one line below it, and room for axes."""

    def __init__(
        self, title: str, subtitle: str, height: float, margins: Margins | None = None
    ) -> None:
        self.title = title
        self.figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(self.figure)
        self._height = height
        self._margins = margins or Margins()
        self._line(_TITLE_DROP, title, size=LARGE, weight="bold", color=INK)
        self._line(_SUBTITLE_DROP, subtitle, size=NORMAL, color=MUTED)

    def axes(
        self,
        rows: Sequence[float] = (1,),
        columns: Sequence[float] = (1,),
        *,
        gap: tuple[float, float] = (0.4, 0.6),
        aligned: bool = False,
    ) -> list[Axes]:
        """Divide the room into axes, row by row, by the rows' and columns' shares of it.

        ``gap`` is what lies between them in inches, down and across; ``aligned`` rows share x.
        """
        m = self._margins
        down, across = self._height - m.top - m.bottom, WIDTH - m.left - m.right
        heights = [(down - gap[0] * (len(rows) - 1)) * share / sum(rows) for share in rows]
        widths = [
            (across - gap[1] * (len(columns) - 1)) * share / sum(columns) for share in columns
        ]
        made: list[Axes] = []
        y = self._height - m.top
        for height in heights:
            y -= height
            x = m.left
            for width in widths:
                place = (x / WIDTH, y / self._height, width / WIDTH, height / self._height)
                shared = made[0] if aligned and made else None
                made.append(self.figure.add_axes(place, sharex=shared))
                x += width + gap[1]
            y -= gap[0]
        return made

    def canvas(self) -> Axes:
        """Give axes over the whole sheet, in inches from the upper left corner, without a frame."""
        axes = self.figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(self._height, 0))
        axes.set_axis_off()
        return axes

    def svg(self) -> str:
        """Return the figure as SVG, without a date or anything else that changes."""
        text = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        about = {"Title": self.title, **nothing}
        with styled():
            self.figure.savefig(text, format="svg", dpi=_DOTS, metadata=about)
        return text.getvalue()

    def _line(self, drop: float, text: str, **look: object) -> None:
        place = MARGIN / WIDTH, 1 - drop / self._height
        self.figure.text(*place, text, va="baseline", **look)  # type: ignore[arg-type]


def beside(axes: Axes, y: float, text: str, color: str = MUTED) -> None:
    """Write to the right of the axes, level with a value of y."""
    axes.annotate(
        text,
        (1, y),
        xycoords=axes.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        size=SMALL,
        color=color,
        annotation_clip=False,
    )
