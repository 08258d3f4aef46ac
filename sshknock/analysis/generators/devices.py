"""Generators that are no algorithm: the operating system's, and the machine's own."""

from __future__ import annotations

import os
from pathlib import Path

from sshknock.errors import SystemFault

HARDWARE = Path("/dev/hwrng")
"""Linux's way to a true random number generator: a processor's, a TPM's, a virtual machine's."""


def system(count: int) -> bytes:
    """Return bytes of the operating system's CSPRNG."""
    return os.urandom(count)


def hardware(count: int) -> bytes:
    """Return bytes of the machine's true random number generator; raise SystemFault without one.

    Some give a few thousand bytes a second.
    """
    parts = []
    try:
        with HARDWARE.open("rb", buffering=0) as device:
            while count > 0:
                part = device.read(count)
                if not part:
                    raise _unreadable("it gives nothing")
                parts.append(part)
                count -= len(part)
    except OSError as error:
        raise _unreadable(error.strerror or str(error)) from error
    return b"".join(parts)


def _unreadable(reason: str) -> SystemFault:
    return SystemFault(
        f"cannot read the hardware's random numbers from {HARDWARE}: {reason}",
        "the source 'system' is the operating system's generator, which every machine has",
    )
