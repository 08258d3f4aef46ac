"""Sequences, typeset as they stand in a file."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from sshknock.analysis.figures import style
from sshknock.protocol.knocks import Sequence, Transport

_ADVANCE = 0.602  # of DejaVu Sans Mono's letters, in their size
_POINTS = 72.0  # an inch
_TOP, _LINE = 1.1, 0.29  # inches


def sequence(axes: Axes, at: tuple[float, float], knocks: Sequence, size: float) -> None:
    """Write a sequence from a place on a canvas (in inches), its protocols in their colours."""
    x, y = at
    for i, knock in enumerate(knocks):
        udp = knock.transport is Transport.UDP
        for text, color in (
            ("," if i else "", style.MUTED),
            (f"{knock.port}:", style.INK),
            (knock.transport.value, style.UDP if udp else style.TCP),
        ):
            axes.text(
                x, y, text, va="center_baseline", size=size, color=color, family=style.MONOSPACED
            )
            x += len(text) * _ADVANCE * size / _POINTS


def examples(sequences: list[Sequence], how: str) -> style.Sheet:
    """Write sequences below each other, a line each, as they stand in a file (figure 7)."""
    sheet = style.Sheet("Sequences, each good for one time", how, _TOP + len(sequences) * _LINE)
    axes = sheet.canvas()
    look: dict[str, Any] = {
        "ha": "right",
        "va": "center_baseline",
        "size": style.SMALL,
        "color": style.MUTED,
    }
    for i, knocks in enumerate(sequences):
        y = _TOP + i * _LINE
        axes.text(style.MARGIN + 0.2, y, str(i + 1), **look)
        sequence(axes, (style.MARGIN + 0.4, y), knocks, style.NORMAL)
    return sheet
