"""The interface between the books and whatever matches knocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sshknock.protocol.addresses import Address
from sshknock.protocol.knocks import Knock, Purpose, Sequence, Transport


@dataclass(frozen=True, slots=True)
class Door:
    """A sequence that the server would accept now, and what happens then.

    ``lower`` are the tickets that close with it: those of the same pairing's doors below this one,
    and of all doors of the secret that it replaces.
    ``admitted`` is the address that a close door takes back; None for an open door.
    """

    ticket: int
    purpose: Purpose
    sequence: Sequence
    lower: tuple[int, ...] = ()
    admitted: Address | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an engine stands: ``later_s`` is when it wants to be asked again (None: no need).

    ``pending`` says that the doors wait for that moment; otherwise they are listened for.
    """

    later_s: float | None = None
    pending: bool = False


class DoorEngine(Protocol):
    """Listens for the knocks of doors."""

    @property
    def capacity(self) -> int:
        """How many doors it can listen for."""

    def update(self, doors: tuple[Door, ...]) -> Progress:
        """Listen for exactly these doors from now on; raise SystemFault when that fails."""

    def has_ended(self) -> bool:
        """Tell whether a daemon that should run has ended, and nobody has started it again."""

    def complaints(self) -> list[str]:
        """Return what keeps it from hearing any knock, a line each."""


def parse_sequence(text: str) -> Sequence:
    """Read a sequence as the books keep it: ``11045:tcp,61405:udp``."""
    knocks = []
    for part in text.split(","):
        port, _, transport = part.partition(":")
        knocks.append(Knock(int(port), Transport(transport)))
    return tuple(knocks)
