"""The session bus, on which a desktop's keyring is found.

A desktop names it in an environment variable. An SSH session into such a machine, cron and editors
often lack the variable although the bus is there: then it is at the place where systemd puts it,
and where other D-Bus libraries look for it too.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/.")
VARIABLE = "DBUS_SESSION_BUS_ADDRESS"


def session_bus() -> str | None:
    """Return the address of the user's session bus, None when there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    path = f"{folder}/bus"
    with suppress(OSError):
        found = os.stat(path)  # noqa: PTH116  pathlib would do no more
        if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.getuid():
            return f"unix:path={_escaped(path)}"
    return None


def _escaped(path: str) -> str:
    """Return a path as an address has it: ``%`` and hex digits for what might end it."""
    return "".join(chr(b) if b in _PLAIN else f"%{b:02x}" for b in os.fsencode(path))
