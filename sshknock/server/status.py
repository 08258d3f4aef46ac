"""What ``status`` tells: read from the kernel and the running sessions first, so it is current."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from sshknock.errors import SshknockError
from sshknock.protocol.knocks import Purpose
from sshknock.server import exposures, hiding, sessions
from sshknock.server.config import Config
from sshknock.server.exposures import Exposure
from sshknock.server.firewall import kernel
from sshknock.server.hiding import Hiding
from sshknock.server.reconcile import agree, engine, is_exposed
from sshknock.server.store import Guest, Pairing, Store
from sshknock.server.upkeep import RECONCILE, Complaint, complaints


@dataclass(frozen=True, slots=True)
class Line:
    """A client as ``status`` shows it: how many doors stand open to its knocks, what runs.

    Both count for all secrets of a client that is ``rotating``: that has a new one, not yet used.
    """

    pairing: Pairing
    doors: int
    sessions: int
    rotating: bool


@dataclass(frozen=True, slots=True)
class Status:
    """The server as it is now, ``at`` a moment in Unix seconds.

    ``exposed`` is how it was found: looking mends what can be mended. ``exposure`` is the latest of
    the last days. ``sweep_chance`` is that of one sweep of all ports, ``complaints`` what looking
    does not mend.
    """

    at: int
    config: Config
    exposed: bool
    hiding: Hiding
    exposure: Exposure | None
    guests: tuple[Guest, ...]
    lines: tuple[Line, ...]
    sweep_chance: float
    complaints: tuple[Complaint, ...]
    problem: SshknockError | None

    def to_json(self) -> dict[str, Any]:
        """Return the stable interface for programs."""
        return {
            "version": 1,
            "engine": self.config.engine.value,
            "hidden": list(self.config.ports),
            "exposed": self.exposed,
            "pairings": [
                {
                    "name": line.pairing.name,
                    "next": line.pairing.next,
                    "doors": line.doors,
                    "last_open": line.pairing.last_open,
                    "last_address": line.pairing.last_address,
                    "sessions": line.sessions,
                    "disabled": line.pairing.disabled,
                    "rotating": line.rotating,
                }
                for line in self.lines
            ],
        }


def current(store: Store, config: Config) -> Status:
    """Return the server's state, after taking in what the kernel knows. The caller has the lock.

    A table that was lost is exposed until this moment, and told as such, though looking mends it.
    """
    problem: SshknockError | None = None
    exposed = is_exposed(store, config, kernel.read())
    listener = engine(store, config)
    try:
        doors = agree(store, config, "status", listener)
    except SshknockError as error:
        doors, problem = (), error
    now = int(time.time())
    unheard = [Complaint(what, RECONCILE) for what in listener.complaints()]
    return Status(
        at=now,
        config=config,
        exposed=exposed or hiding.of(store).is_visible,
        hiding=hiding.of(store),
        exposure=exposures.last(store, now),
        guests=tuple(store.guests()),
        lines=_lines(store),
        sweep_chance=listener.block(doors).sweep_chance,
        complaints=(*unheard, *complaints(config, store)),
        problem=problem,
    )


def _lines(store: Store) -> tuple[Line, ...]:
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    doors = Counter(names[t.pairing] for t in store.tickets() if t.purpose is Purpose.OPEN)
    running = Counter(names[s.pairing] for s in store.sessions() if sessions.is_running(s))
    return tuple(
        Line(pairing, doors[pairing.name], running[pairing.name], store.is_rotating(pairing))
        for pairing in store.clients()
    )
