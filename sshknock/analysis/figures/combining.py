"""Figure 6: how the stream of ports and the stream of protocols become sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from numpy.typing import NDArray

from sshknock.analysis.figures import lettering, style
from sshknock.protocol.knocks import Knock, Sequence, Transport, is_weak

# Inches from the upper left corner.
_LEFT, _RIGHT = 1.6, style.WIDTH - style.MARGIN
_PORTS, _WAVE, _BITS, _CUTS, _FILE = 1.23, 2.30, 3.21, 3.69, 4.33
_BELOW = 0.15
_HALF_WAVE = 0.58
_LINE = 0.25
_X_REACH = 1.45  # of Hénon's map, whose x lies within


Places = NDArray[np.float64]


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
        return knocks_of(self.ports, self.samples > self.threshold)

    @property
    def cuts(self) -> tuple[Sequence, ...]:
        """The knocks that were taken together, the weak ones too."""
        ends = list(accumulate(self.lengths, initial=0))
        return tuple(self.knocks[first:end] for first, end in pairwise(ends))

    def cut(self, lengths: Iterator[int]) -> Streams:
        """Return them with the cuts of these lengths, and without what is too short for the next.

        What is weak takes its knocks all the same, and the one after it has the same length.
        """
        knocks, cuts, first = self.knocks, [], 0
        length = next(lengths)
        while first + length <= len(knocks):
            cuts.append(length)
            first += length
            if not is_weak(knocks[first - length : first]):
                length = next(lengths)
        steps = first * (len(self.orbit) // len(knocks))
        return Streams(self.ports[:first], self.orbit[:steps], self.threshold, tuple(cuts))


def knocks_of(ports: Iterable[int], udp: Iterable[object]) -> Sequence:
    """Return the knocks of ports and of what is true where a knock is udp."""
    return tuple(
        Knock(int(port), Transport.UDP if bit else Transport.TCP)
        for port, bit in zip(ports, udp, strict=True)
    )


def combining(streams: Streams, ports_source: str, how: str) -> style.Sheet:
    """Draw ports above, x with its threshold below, and the sequences that are cut of both."""
    lines = [knocks for knocks in streams.cuts if not is_weak(knocks)]
    height = _FILE + len(lines) * _LINE + _BELOW
    sheet = style.Sheet("How the two streams become sequences", how, height)
    axes = sheet.canvas()
    for y, name, source in (
        (_PORTS, "ports", ports_source),
        (_WAVE, "x", "Hénon's map"),
        (_BITS, "bits", f"x above {streams.threshold:g}: 1"),
        (_CUTS, "lengths", "drawn as well"),
    ):
        axes.text(style.MARGIN, y - 0.08, name, va="center", weight="bold")
        axes.text(style.MARGIN, y + 0.10, source, va="center", size=style.TINY, color=style.MUTED)
    places = np.linspace(_LEFT, _RIGHT, 2 * len(streams.ports) + 1)[1::2]
    _wave(axes, streams, places)
    _knocks(axes, streams, places)
    _brackets(axes, streams, places)
    for i, knocks in enumerate(lines):
        y = _FILE + i * _LINE
        look: dict[str, Any] = {"va": "center_baseline", "size": style.SMALL, "color": style.MUTED}
        axes.text(style.MARGIN, y, f"line {i + 1}", **look)
        lettering.sequence(axes, (_LEFT, y), knocks, style.SMALL)
    return sheet


def _wave(axes: Axes, streams: Streams, places: Places) -> None:
    """Draw the orbit so that each sample stands below the port that it goes with."""
    scale = -_HALF_WAVE / _X_REACH
    stretch = len(streams.orbit) // len(places)
    step = (places[1] - places[0]) / stretch
    x = places[0] + (np.arange(len(streams.orbit)) - stretch + 1) * step
    shown = x >= _LEFT
    axes.plot(x[shown], _WAVE + scale * streams.orbit[shown], color=style.LINE, lw=0.8)
    level = _WAVE + scale * streams.threshold
    axes.plot((_LEFT, _RIGHT), (level, level), color=style.INK, lw=1, ls=style.DASHED)
    samples = _WAVE + scale * streams.samples
    for x0, y, knock in zip(places, samples, streams.knocks, strict=True):
        udp = knock.transport is Transport.UDP
        mark, color = (style.UDP_MARK, style.UDP) if udp else (style.TCP_MARK, style.TCP)
        axes.plot((x0, x0), (_PORTS + 0.17, _BITS - 0.17), color=style.RULE, lw=1, zorder=0)
        axes.plot(x0, y, mark, ms=6, mew=0, color=color)


def _knocks(axes: Axes, streams: Streams, places: Places) -> None:
    """Draw the row of ports and the row of bits."""
    width = places[1] - places[0]
    for x, knock in zip(places, streams.knocks, strict=True):
        udp = knock.transport is Transport.UDP
        fill = style.PALE_ORANGE if udp else style.PALE_BLUE
        _box(axes, (x, _PORTS), width, str(knock.port), style.PAPER, style.LINE)
        _box(axes, (x, _BITS), width, f"{udp:d} {knock.transport.value}", fill, fill)


def _box(
    axes: Axes, at: tuple[float, float], width: float, text: str, fill: str, edge: str
) -> None:
    """Write into a box with round corners that has its middle there."""
    (x, y), w, h = at, width - 0.07, 0.30
    box = FancyBboxPatch((x - w / 2, y - h / 2), w, h, "round,pad=0,rounding_size=0.05")
    box.set(facecolor=fill, edgecolor=edge, lw=0.8)
    axes.add_patch(box)
    axes.text(x, y + 0.005, text, ha="center", va="center", size=style.TINY)


def _brackets(axes: Axes, streams: Streams, places: Places) -> None:
    """Draw a bracket below the knocks that were taken together, and what became of them."""
    reach = (places[1] - places[0]) / 2 - 0.05
    first, line = 0, 0
    for knocks in streams.cuts:
        left, right = places[first] - reach, places[first + len(knocks) - 1] + reach
        weak = is_weak(knocks)
        line += not weak
        color = style.MUTED if weak else style.INK
        y = _CUTS - 0.12
        axes.plot((left, left, right, right), (y - 0.07, y, y, y - 0.07), color=color, lw=1)
        words = f"{len(knocks)}: weak, left out" if weak else f"{len(knocks)}: line {line}"
        look: dict[str, Any] = {"ha": "center", "va": "center", "size": style.SMALL, "color": color}
        axes.text((left + right) / 2, _CUTS + 0.06, words, **look)
        first += len(knocks)
