"""A process is known by its number and the time it started: numbers are given again."""

from __future__ import annotations

import os
import select
import time

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_POLL_S = 2.0


def started(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when there is none (proc(5)).

    A process that has ended but was not yet waited for counts as none.
    """
    fields = _stat(pid)
    if fields is None or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[19])


def now() -> int:
    """Return the time now as ``started`` tells it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS_A_SECOND)


def parent(pid: int) -> int:
    """Return the number of a process's parent, 0 when there is none."""
    fields = _stat(pid)
    return int(fields[1]) if fields is not None else 0


def handle(pid: int, start: int) -> int | None:
    """Return a descriptor that gets readable when this very process ends.

    None when it has ended already. Raises OSError when the kernel has no such descriptors (Linux
    5.3) or none is left.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if started(pid) == start:  # asked after opening: now the number cannot change hands
        return descriptor
    os.close(descriptor)
    return None


def wait_for_end(pid: int, start: int) -> None:
    """Return when the process is over."""
    try:
        descriptor = handle(pid, start)
    except OSError:
        while started(pid) == start:
            time.sleep(_POLL_S)
        return
    if descriptor is None:
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    poll.poll()
    os.close(descriptor)


def _stat(pid: int) -> list[bytes] | None:
    """Return the fields of /proc/PID/stat from the third on: the second may hold anything."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(descriptor, 4096).rpartition(b")")[2].split()
    except OSError:
        return None
    finally:
        os.close(descriptor)
