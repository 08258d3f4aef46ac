"""Moments, as people read them and as this machine counts them."""

from __future__ import annotations

import time
from pathlib import Path

_MINUTE_S = 60
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


def booted_at(now: int) -> int:
    """Return when this machine was started, in Unix seconds."""
    return now - int(time.clock_gettime(time.CLOCK_BOOTTIME))


def boot_id() -> str:
    """Return what tells this start of the machine from all others; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
