"""Figure 5 and its like: how often the bits of a generator are tcp and udp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.figures import style

_BAND = 2.576  # standard deviations: where 99 of 100 fair sources are at any one time
_FIRST = 100  # bits before the first share is drawn
_TALLEST, _WIDEST = 0.62, 0.15  # of the two axes, for shares that are about a half
_PLACES = 300  # along the curve, evenly spaced for the eye


def histogram(bits: NDArray[np.integer], source: str) -> style.Sheet:
    """Draw the shares of tcp and udp, and how the share of udp settles as bits are added.

    The band is that of a fair coin: a share of n bits has a standard deviation of 1 / (2 root n).
    """
    udp = float(np.mean(bits))
    sheet = style.Sheet(
        f"{len(bits):,} protocols drawn by {source}",
        f"udp has a share of {udp:.4f}, {_verdict(bits)}",
        height=3.9,
    )
    bars, settling = sheet.axes(columns=(1, 1.9), gap=(0, 0.95))
    looks = ((1 - udp, style.TCP, ""), (udp, style.UDP, "///"))
    for x, (share, color, hatch) in enumerate(looks):
        bars.bar(x, share, width=0.62, color=color, hatch=hatch, edgecolor=style.PAPER, lw=0)
        bars.text(x, share + 0.012, f"{share:.2%}", ha="center", va="bottom", size=style.SMALL)
    bars.axhline(0.5, color=style.INK, lw=1, ls=style.DASHED)
    bars.set(
        xlim=(-0.6, 1.6),
        ylim=(0, max(_TALLEST, 1.15 * max(udp, 1 - udp))),
        ylabel="share of the bits",
    )
    bars.set_xticks((0, 1), ("tcp", "udp"))
    bars.set_yticks((0, 0.25, 0.5), ("0", "25%", "50%"))
    bars.tick_params(axis="x", length=0)

    count = np.unique(np.geomspace(_FIRST, len(bits), _PLACES).astype(int))
    share = np.cumsum(bits)[count - 1] / count
    reach = _BAND / (2 * np.sqrt(count))
    settling.fill_between(count, 0.5 - reach, 0.5 + reach, color=style.PALE_BLUE, lw=0, alpha=0.6)
    settling.axhline(0.5, color=style.INK, lw=1, ls=style.DASHED)
    settling.plot(count, share, color=style.UDP, lw=1.6)
    away = max(_WIDEST, 1.1 * float(np.abs(share - 0.5).max()))
    settling.set(xscale="log", xlim=(count[0], count[-1]), ylim=(0.5 - away, 0.5 + away))
    settling.set(xlabel="bits so far", ylabel="share of udp")
    settling.set_yticks((0.4, 0.5, 0.6), ("40%", "50%", "60%"))
    settling.minorticks_off()
    return sheet


def _verdict(bits: NDArray[np.integer]) -> str:
    """How far the share is from a half, measured by what a fair coin of as many throws does."""
    away = abs(float(np.mean(bits)) - 0.5) * 2 * np.sqrt(len(bits))
    return f"{away:.1f} standard deviations of a fair coin away from a half"
