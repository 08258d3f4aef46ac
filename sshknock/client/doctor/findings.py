"""What the doctor tells: one finding a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sshknock.errors import EXIT_DONE, EXIT_FAILED, EXIT_NO_KEYRING, EXIT_NOT_OPENED

JSON_VERSION = 1


class Level(Enum):
    """How a check ended. A note is worth knowing, and no reason for a failure."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Check(Enum):
    """What was looked at; the values are part of ``doctor --json``."""

    KEYRING = "keyring"
    FILES = "files"
    SSH = "ssh"
    NAME = "name"
    ROUTE = "route"
    BUSY = "busy"
    REACH = "reach"
    FAMILY = "family"
    HIDDEN = "hidden"
    FIREWALL = "firewall"
    STEP = "step"
    OPENING = "opening"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's result in one line, and what to do, a line each."""

    check: Check
    level: Level
    what: str
    todo: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the finding for ``doctor --json``."""
        return {
            "check": self.check.value,
            "level": self.level.value,
            "what": self.what,
            "todo": list(self.todo),
        }


def ok(check: Check, what: str) -> Finding:
    """Return the finding of a check that found nothing wrong."""
    return Finding(check, Level.OK, what)


def note(check: Check, what: str, *todo: str) -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(check, Level.NOTE, what, todo)


def problem(check: Check, what: str, *todo: str) -> Finding:
    """Return the finding of something wrong."""
    return Finding(check, Level.PROBLEM, what, todo)


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 when all is well, 4 and 5 for keyring and opening as ever, 1 for the rest."""
    wrong = {finding.check for finding in findings if finding.level is Level.PROBLEM}
    if Check.KEYRING in wrong:
        return EXIT_NO_KEYRING
    if Check.OPENING in wrong:
        return EXIT_NOT_OPENED
    return EXIT_FAILED if wrong else EXIT_DONE
