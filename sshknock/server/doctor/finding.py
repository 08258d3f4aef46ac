"""What ``doctor`` finds: a line of what is so, and a line of what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from sshknock.server.config import Config


class Level(Enum):
    """A note may be meant to be so; a problem keeps somebody out, or lets somebody see the port."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``remedy`` is None where there is nothing to do."""

    level: Level
    what: str
    remedy: str | None = None


Check = Callable[[Config], Iterable[Finding]]
"""Looks at one thing, changes nothing, and may raise SshknockError: that is a problem, too."""


def ok(what: str) -> Finding:
    """Return a finding of something that is well."""
    return Finding(Level.OK, what)


def note(what: str, remedy: str) -> Finding:
    """Return a finding that the administrator should think about."""
    return Finding(Level.NOTE, what, remedy)


def problem(what: str, remedy: str) -> Finding:
    """Return a finding that needs mending."""
    return Finding(Level.PROBLEM, what, remedy)
