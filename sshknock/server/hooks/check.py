"""``check``: does this program start, and is all of it there? Nothing else is looked at.

An upgrade can take away the interpreter, a module of its library, or a piece of this package.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from sshknock.errors import UsageError

_NEEDED = (
    "background",
    "boot",
    "detach",
    "forcecommand",
    "knock",
    "pam",
    "peer",
    "reconciling",
    "session",
    "watch",
)


def run(arguments: Sequence[str]) -> int:
    """Import what the other commands need; what cannot be imported is what hook.py tells of."""
    if arguments:
        raise UsageError("check takes no argument", "sshknock-hook --help")
    for name in _NEEDED:
        importlib.import_module(f"sshknock.server.hooks.{name}")
    return 0
