"""What the books hold, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal, get_args

from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret


class Stage(Enum):
    """Where a pairing is in the change of its secret.

    ``pending``: made by a rotation, and nobody has opened a door with it yet. ``current``: the one
    that the name means. ``replaced``: a newer one has opened a door; only the close doors of its
    running sessions are left of it.
    """

    PENDING = "pending"
    CURRENT = "current"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Pairing:
    """A client identity: what it is called, its secret and parameters, and its counter."""

    id: int
    name: str
    token_id: str
    secret: Secret
    parameters: Parameters
    hosts: tuple[str, ...]
    port: int
    next: int
    last_open: int | None
    last_address: str | None
    disabled: bool
    stage: Stage

    @property
    def window(self) -> int:
        """How many open doors it has: none while it is disabled, or when it was replaced.

        Towards the end of all counters there are fewer and fewer.
        """
        closed = self.disabled or self.stage is Stage.REPLACED
        return 0 if closed else min(self.parameters.window, COUNTER_LIMIT - self.next)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A door's token: the kernel holds the id, whoever removes it has used the door.

    ``closing`` is the close sequence of the same counter, of which no door may listen yet.
    """

    id: int
    pairing: int
    purpose: Purpose
    counter: int
    sequence: str
    closing: str


@dataclass(frozen=True, slots=True)
class Spent:
    """A ticket that is gone: the name of its client, its counter, and who had opened the door."""

    pairing: str
    counter: int
    address: str


@dataclass(frozen=True, slots=True)
class Unattended:
    """A session that ended ``at`` a moment, in Unix seconds, without a login that we know of."""

    pairing: str
    counter: int
    address: str
    at: int


@dataclass(frozen=True, slots=True)
class Session:
    """A door that was opened and whose session is not over.

    ``opened_at`` is in Unix seconds. ``not_before`` is when the kernel was last seen without the
    mark of the door's use, in clock ticks since boot: the session's sshd started after that.
    """

    id: int
    pairing: int
    counter: int
    address: str
    opened_at: int
    not_before: int
    peer_port: int | None
    sshd_pid: int | None
    sshd_started: int | None


@dataclass(frozen=True, slots=True)
class Guest:
    """An address that the administrator lets in without a knock.

    ``until`` is in Unix seconds, ``left_s`` for how long the kernel let it in yet when we looked.
    """

    address: str
    until: int
    left_s: int

    def remaining_s(self, now: int) -> int:
        """Return for how long it is a guest yet, by the clock and by what was left."""
        return min(self.until - now, self.left_s)

    def ends_at(self, now: int) -> int:
        """Return until when it is a guest, as the clock goes now, in Unix seconds."""
        return min(self.until, now + self.left_s + 1)  # the kernel's seconds are rounded down


Kind = Literal[
    "open",
    "login",
    "close",
    "end",
    "unused",
    "replay",
    "refused",
    "used-up",
    "admitted",
    "revoked",
    "client-added",
    "client-removed",
    "client-disabled",
    "client-enabled",
    "rotation-begun",
    "rotated",
    "synced",
    "hidden",
    "trial",
    "confirmed",
    "trial-over",
    "unhidden",
    "exposed",
    "settings-changed",
    "restarted",
    "hook-fails",
    "hook-works",
]
"""What can happen, in words that programs can rely on; ``docs/log.md`` says what each means."""

KINDS: tuple[str, ...] = get_args(Kind)

WARNINGS = frozenset(
    {"exposed", "hook-fails", "refused", "replay", "restarted", "trial-over", "used-up"}
)
"""What somebody should look at."""


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the log: ``at`` in Unix seconds, ``id`` grows with each.

    ``pairing`` is a client's name and ``counter`` its door's, where there is one.
    """

    id: int
    at: int
    kind: str
    pairing: str | None
    address: str | None
    counter: int | None
    detail: str
