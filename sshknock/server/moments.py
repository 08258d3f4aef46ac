"""Moments, as people read them and as this machine counts them."""

from __future__ import annotations

import time
from pathlib import Path

_JUST_NOW_S = 5
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def local_time(seconds: int) -> str:
    """Return Unix seconds as people read a time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def between(since: int, until: int) -> str:
    """Return two moments as people read a time span; the second's day is left out if the same."""
    first, second = local_time(since), local_time(until)
    day, _, clock = second.partition(" ")
    return f"between {first} and {clock if first.startswith(day) else second}"


def span(seconds: int) -> str:
    """Return a time as people read it, in its largest units, rounded down: ``5 h 20 min``."""
    if seconds < _MINUTE_S:
        return f"{max(0, seconds)} s"
    hours, minutes = divmod(seconds // _MINUTE_S, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def ago(moment: int | None, now: int) -> str:
    """Return how long ago a moment was, as people read it; None is never."""
    if moment is None:
        return "never"
    seconds = now - moment
    if seconds < _JUST_NOW_S:
        return "just now"
    days = seconds // _DAY_S
    if days:
        return f"{days} day{'s' * (days > 1)} ago"
    hours = seconds // _HOUR_S
    return f"{hours} h ago" if hours else f"{span(seconds)} ago"


def booted_at(now: int) -> int:
    """Return when this machine was started, in Unix seconds."""
    return now - int(time.clock_gettime(time.CLOCK_BOOTTIME))


def boot_id() -> str:
    """Return what tells this start of the machine from all others; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
