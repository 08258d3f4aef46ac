"""Moments, as people read them and as this machine counts them."""

from __future__ import annotations

import time
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def local_time(seconds: int) -> str:
    """Return Unix seconds as people read a time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def between(since: int, until: int) -> str:
    """Return two moments as people read a time span; the second's day is left out if the same."""
    first, second = local_time(since), local_time(until)
    day, _, clock = second.partition(" ")
    return f"between {first} and {clock if first.startswith(day) else second}"


def booted_at(now: int) -> int:
    """Return when this machine was started, in Unix seconds."""
    return now - int(time.clock_gettime(time.CLOCK_BOOTTIME))


def boot_id() -> str:
    """Return what tells this start of the machine from all others; empty where nothing does."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""
