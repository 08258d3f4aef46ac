"""Figure 6: how the stream of ports and the stream of protocols become sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from sshknock.analysis.figures import lettering, style
from sshknock.protocol.knocks import Knock, Transport, is_weak

# Inches; heights are counted from the lower edge.
_LEFT, _RIGHT = 1.6, style.WIDTH - style.MARGIN
_PORTS, _WAVE, _BITS, _CUTS, _FILE = 4.12, 3.05, 2.14, 1.66, 1.02
_HEIGHT = 5.35
_HALF_WAVE = 0.58
_LINE = 0.25
_X_REACH = 1.45  # of Hénon's map, whose x lies within


@dataclass(frozen=True, slots=True)
class Streams:
    """What some knocks were made of: a port each, a stretch of the orbit each, and the cuts.

    ``orbit`` is x at every step; the last step of each knock's stretch is the sample. ``lengths``
    are how many knocks were taken at a time, in order.
    """

    ports: tuple[int, ...]
    orbit: NDArray[np.float64]
    threshold: float
    lengths: tuple[int, ...]

    @property
    def samples(self) -> NDArray[np.float64]:
        """The values of x that are held against the threshold."""
        stretch = len(self.orbit) // len(self.ports)
        return self.orbit[stretch - 1 :: stretch]

    @property
    def knocks(self) -> tuple[Knock, ...]:
        """Each port with the protocol that its sample gives."""
        return tuple(
            Knock(port, Transport.UDP if x > self.threshold else Transport.TCP)
            for port, x in zip(self.ports, self.samples, strict=True)
        )


def combining(streams: Streams, ports_source: str, how: str) -> style.Sheet:
    """Draw ports above, x with its threshold below, and the sequences that are cut of both."""
    sheet = style.Sheet("How the two streams become sequences", how, _HEIGHT)
    axes = sheet.canvas()
    places = np.linspace(_LEFT, _RIGHT, 2 * len(streams.ports) + 1)[1::2]
    width = places[1] - places[0]
    for y, name, source in (
        (_PORTS, "ports", ports_source),
        (_WAVE, "x", "Hénon's map"),
        (_BITS, "bits", "above the threshold: 1"),
        (_CUTS, "lengths", "drawn as well"),
    ):
        axes.text(style.MARGIN, y + 0.08, name, va="center", weight="bold")
        axes.text(style.MARGIN, y - 0.10, source, va="center", size=style.TINY, color=style.MUTED)
    _wave(axes, streams, places, width)
    for x, knock in zip(places, streams.knocks, strict=True):
        udp = knock.transport is Transport.UDP
        _cell(axes, x, _PORTS, width, str(knock.port), style.PAPER)
        fill = style.PALE_ORANGE if udp else style.PALE_BLUE
        _cell(axes, x, _BITS, width, f"{udp:d} {knock.transport.value}", fill)
    _cuts(axes, streams, places, width)
    return sheet


def _wave(axes: Axes, streams: Streams, places: NDArray[np.float64], width: float) -> None:
    """Draw the orbit so that each sample stands below the port that it goes with."""
    scale = _HALF_WAVE / _X_REACH
    stretch = len(streams.orbit) // len(places)
    x = places[0] + (np.arange(len(streams.orbit)) - stretch + 1) * width / stretch
    shown = x >= _LEFT
    axes.plot(x[shown], _WAVE + scale * streams.orbit[shown], color=style.LINE, lw=0.8)
    level = _WAVE + scale * streams.threshold
    axes.plot((_LEFT, _RIGHT), (level, level), color=style.INK, lw=1, ls=style.DASHED)
    for place, sample in zip(places, _WAVE + scale * streams.samples, strict=True):
        udp = sample > level
        mark, color = (style.UDP_MARK, style.UDP) if udp else (style.TCP_MARK, style.TCP)
        axes.plot((place, place), (_PORTS - 0.17, _BITS + 0.17), color=style.RULE, lw=1, zorder=0)
        axes.plot(place, sample, mark, ms=6, mew=0, color=color)


def _cell(axes: Axes, x: float, y: float, width: float, text: str, fill: str) -> None:
    """Write into a box with round corners, of a knock's width."""
    w, h = width - 0.07, 0.30
    box = FancyBboxPatch((x - w / 2, y - h / 2), w, h, "round,pad=0,rounding_size=0.05")
    box.set(facecolor=fill, edgecolor=style.LINE if fill == style.PAPER else fill, lw=0.8)
    axes.add_patch(box)
    axes.text(x, y - 0.005, text, ha="center", va="center", size=style.TINY)


def _cuts(axes: Axes, streams: Streams, places: NDArray[np.float64], width: float) -> None:
    """Draw a bracket below the knocks of each sequence, and the file that they make."""
    first, line = 0, 0
    for length in streams.lengths:
        knocks = streams.knocks[first : first + length]
        left, right = (
            places[first] - width / 2 + 0.05,
            places[first + length - 1] + width / 2 - 0.05,
        )
        weak = is_weak(knocks)
        color = style.MUTED if weak else style.INK
        y = _CUTS + 0.12
        axes.plot((left, left, right, right), (y + 0.07, y, y, y + 0.07), color=color, lw=1)
        middle = (left + right) / 2
        words = f"{length}: weak, drawn again" if weak else f"{length}: line {line + 1}"
        axes.text(
            middle, _CUTS - 0.06, words, ha="center", va="center", size=style.SMALL, color=color
        )
        if not weak:
            y = _FILE - line * _LINE
            axes.text(
                style.MARGIN,
                y,
                f"line {line + 1}",
                va="center",
                size=style.SMALL,
                color=style.MUTED,
            )
            lettering.sequence(axes, (_LEFT, y), knocks, style.SMALL)
            line += 1
        first += length
