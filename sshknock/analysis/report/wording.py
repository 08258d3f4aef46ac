"""How the values of a report are written for people: the same in text and on the page."""

from __future__ import annotations

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 86400 * 365.25
_SPANS = ((_YEAR, "years"), (_DAY, "days"), (_HOUR, "hours"), (_MINUTE, "minutes"), (1, "seconds"))
_LARGE = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_NEVER_FROM = 0.1
_TINY, _FIXED_TO = 5e-6, 1e5
_SMALLEST_P = 1e-4


def shown(value: float | str, unit: str = "") -> str:
    """Return a value as people read it; ``unit`` is one of ``model.UNITS``."""
    if isinstance(value, str):
        return value
    if unit == "bits":
        places = 4 if abs(value) < 1 else 2
        return f"{round(value, places) + 0.0:.{places}f} bits"  # the sum has no minus zero
    if unit == "chance":
        return _chance(value)
    if unit == "share":
        return _chance(value) if value > 0 else "none"
    if unit == "seconds":
        return _time(value)
    if isinstance(value, int):
        return f"{value:,}"
    return _number(value)


def shown_p(p: float) -> str:
    """Return a p-value: how far below the threshold it is does not matter to people."""
    return "<0.0001" if p < _SMALLEST_P else f"{p:.4f}"


def _number(value: float) -> str:
    size = abs(value)
    if size < _TINY:
        return "0"
    if size >= _FIXED_TO:
        return f"{value:,.0f}"
    return f"{value:,.5f}" if size < 10 else f"{value:,.1f}"  # noqa: PLR2004


def _chance(chance: float) -> str:
    if chance <= 0:
        return "never"
    if chance > _NEVER_FROM:
        return f"{chance:.1%}"
    return f"1 in {_count(1 / chance)}"


def _time(seconds: float) -> str:
    for span, name in _SPANS:
        if seconds >= 2 * span:
            return f"{_count(seconds / span)} {name}"
    return f"{seconds:.2g} s"


def _count(number: float) -> str:
    """Return a count with two or three figures, which is all that such numbers are worth."""
    if number >= 1e15:  # noqa: PLR2004  beyond trillions nobody counts in words
        return f"{number:.1e}".replace("e+", "e")
    for size, name in _LARGE:
        if number >= size:
            return f"{number / size:.3g} {name}"
    if number >= 100:  # noqa: PLR2004
        return f"{float(f'{number:.3g}'):,.0f}"
    return f"{number:.2g}"
