"""What several commands say alike."""

from __future__ import annotations

import time

JSON_HELP = "For programs; this form is stable."
NO_CLIENTS = "No clients yet: 'sshknock-server client add NAME' makes one."


def local_time(seconds: int) -> str:
    """Return Unix seconds as people read a time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def listed(ports: tuple[int, ...]) -> str:
    """Return ports as people read them."""
    return ", ".join(str(port) for port in ports)
