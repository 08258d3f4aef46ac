"""What ``status`` tells: read from the kernel and the running sessions first, so it is current."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from sshknock.errors import SshknockError
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.knocks import Purpose
from sshknock.server import exposures, hiding, sessions, strangers
from sshknock.server.config import Config
from sshknock.server.exposures import Exposure
from sshknock.server.firewall import kernel
from sshknock.server.hiding import Hiding, Mode
from sshknock.server.reconcile import agree, engine, is_exposed
from sshknock.server.store import Guest, Pairing, Store
from sshknock.server.strangers import TurnedAway
from sshknock.server.upkeep import RECONCILE, Complaint, complaints

_COUNTERS_ARE_FEW = 1000


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that runs: its door's counter, where it comes from, ``since`` when (Unix seconds).

    ``port`` is that of its connection; None until somebody has logged in.
    """

    counter: int
    address: str
    port: int | None
    since: int


@dataclass(frozen=True, slots=True)
class Line:
    """A client as ``status`` shows it: how many doors stand open to its knocks, what runs.

    Both are of all secrets of a client that is ``rotating``: that has a new one, not yet used.
    """

    pairing: Pairing
    doors: int
    running: tuple[Visit, ...]
    rotating: bool

    @property
    def is_running_out(self) -> bool:
        """Tell whether hardly a counter is left."""
        return COUNTER_LIMIT - self.pairing.next < _COUNTERS_ARE_FEW


@dataclass(frozen=True, slots=True)
class Status:
    """The server as it is now, ``at`` a moment in Unix seconds.

    ``exposed`` is how it was found: looking mends what can be mended. ``exposure`` is the latest of
    the last days. ``sweep_chance`` is that of one sweep of all ports, ``complaints`` what looking
    does not mend, ``turned_away`` how often strangers tried; None where no table stands.
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
    turned_away: TurnedAway | None

    def to_json(self) -> dict[str, Any]:
        """Return the stable interface for programs."""
        return {
            "version": 1,
            "engine": self.config.engine.value,
            "hidden": list(self.config.ports),
            "exposed": self.exposed,
            "interface": self.config.interface,
            "admit": self.config.admit.value,
            "timeout": self.config.timeout_s,
            "hiding": self.hiding.mode.value,
            "trial_until": self._trial_until(),
            "exposed_since": self._exposed_since(),
            "turned_away": None if self.turned_away is None else asdict(self.turned_away),
            "always": [str(network) for network in self.config.always],
            "guests": [
                {"address": guest.address, "until": guest.ends_at(self.at)} for guest in self.guests
            ],
            "notes": [asdict(complaint) for complaint in self.complaints],
            "pairings": [
                {
                    "name": line.pairing.name,
                    "next": line.pairing.next,
                    "doors": line.doors,
                    "last_open": line.pairing.last_open,
                    "last_address": line.pairing.last_address,
                    "sessions": len(line.running),
                    "running": [asdict(visit) for visit in line.running],
                    "disabled": line.pairing.disabled,
                    "rotating": line.rotating,
                }
                for line in self.lines
            ],
        }

    def _trial_until(self) -> int | None:
        return self.hiding.ends_at(self.at) if self.hiding.mode is Mode.TRIAL else None

    def _exposed_since(self) -> int | None:
        over = self.exposure is None or self.exposure.until is not None
        return None if over or self.exposure is None else self.exposure.since


def current(store: Store, config: Config) -> Status:
    """Return the server's state, after taking in what the kernel knows. The caller has the lock.

    A table that was lost is exposed until this moment, and told as such, though looking mends it.
    """
    problem: SshknockError | None = None
    state = kernel.read()
    exposed = is_exposed(store, config, state)
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
        turned_away=strangers.turned_away(store, state),
    )


def _lines(store: Store) -> tuple[Line, ...]:
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    doors = Counter(names[t.pairing] for t in store.tickets() if t.purpose is Purpose.OPEN)
    running: dict[str, tuple[Visit, ...]] = defaultdict(tuple)
    for one in filter(sessions.is_running, store.sessions()):
        running[names[one.pairing]] += (
            Visit(one.counter, one.address, one.peer_port, one.opened_at),
        )
    return tuple(
        Line(pairing, doors[pairing.name], running[pairing.name], store.is_rotating(pairing))
        for pairing in store.clients()
    )
