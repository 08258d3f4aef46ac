"""What is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sshknock.client.config import Pairing
from sshknock.errors import SshknockError

TRIAL_S = 600
"""How long a server that is set up in passing stays hidden, unless a knocked login confirms."""

Tell = Callable[[str], None]
"""Hears of each step as it begins, in a few words: ``adding this machine as ann-laptop``."""


class Asker(Protocol):
    """Whoever can be asked; every method may be called from another thread than the main one."""

    def password(self, prompt: str) -> str | None:
        """Return what was typed, shown nowhere; None when there is nobody to ask."""

    def agrees(self, question: str) -> bool | None:
        """Return whether the answer was yes; None when there is nobody to ask."""


@dataclass(frozen=True, slots=True)
class Order:
    """One server to enrol.

    ``name`` is what ssh will call it here, ``via`` is [USER@]HOST as one would say it to ssh today.
    ``host`` is where this machine reaches it, if not where ssh's settings lead. ``called`` is our
    name on the server, without it one is made of user and machine. ``keyring`` is ``system`` or
    ``file``. ``install`` brings the program there and sets the server up for ``trial_s`` seconds,
    for good when a knocked login has confirmed. ``yes`` lets packages be installed there unasked.
    With ``block`` the Host block is written; a caller with many orders writes them all at the end.
    """

    name: str
    via: str
    host: str | None = None
    called: str | None = None
    keyring: str = "system"
    install: bool = False
    trial_s: int | None = None
    yes: bool = False
    block: bool = True


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A pairing that has opened its door.

    ``block`` is the file that has its Host block, None when none was asked for. ``warnings`` are
    what the user should know.
    """

    pairing: Pairing
    block: Path | None
    warnings: tuple[SshknockError, ...] = ()
