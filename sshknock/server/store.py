"""The server's books: one SQLite file that only root can read.

Pairings with their secrets and counters, the tickets that the kernel holds (one a door), running
sessions and a bounded log. A method either changes the books as a whole, inside ``transaction``, or
reads. Nothing here knows of firewalls or daemons.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sshknock.errors import BadInput, NoSuchPairing, SystemFault
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.server import paths

SCHEMA_VERSION = 1
_EVENTS_KEPT = 10_000

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE pairing (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    token_id TEXT NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    parameters TEXT NOT NULL,
    hosts TEXT NOT NULL,
    port INTEGER NOT NULL,
    next INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    last_open INTEGER,
    last_address TEXT
) STRICT;
CREATE TABLE ticket (
    -- AUTOINCREMENT: an id that was once issued is never issued again.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    purpose TEXT NOT NULL,
    counter INTEGER NOT NULL,
    sequence TEXT NOT NULL,
    closing TEXT NOT NULL,
    generation INTEGER NOT NULL,
    UNIQUE (pairing, purpose, counter)
) STRICT;
CREATE TABLE session (
    id INTEGER PRIMARY KEY,
    pairing INTEGER NOT NULL REFERENCES pairing (id) ON DELETE CASCADE,
    counter INTEGER NOT NULL,
    address TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    peer_port INTEGER,
    sshd_pid INTEGER,
    sshd_started INTEGER,
    UNIQUE (pairing, counter)
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    pairing TEXT,
    address TEXT,
    detail TEXT NOT NULL DEFAULT ''
) STRICT;
"""


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
class Event:
    """A line of the log."""

    at: int
    kind: str
    pairing: str | None
    address: str | None
    detail: str


class Store:
    """The books, opened. Use one ``Store`` in one process under the server's lock."""

    def __init__(self, path: Path = paths.STORE_FILE) -> None:
        self._path = path
        try:
            if not path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            with ExitStack() as on_failure:
                on_failure.callback(self._db.close)
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._db.execute("PRAGMA foreign_keys = ON")
                self._prepare()
                on_failure.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise SystemFault(
                f"cannot open the server's books {path}: {error}",
                "the counters in it are what stops replays: restore the file, do not delete it",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _prepare(self) -> None:
        with self.transaction():
            made = self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone()
            if not made:
                for statement in _SCHEMA.split(";\n"):
                    if statement.strip():
                        self._db.execute(statement)
                self.set_meta("schema", str(SCHEMA_VERSION))
                self.set_meta("decoys", secrets.token_hex(32))
        version = self.meta("schema")
        if version != str(SCHEMA_VERSION):
            raise BadInput(
                f"{self._path} was made by another version of sshknock (schema {version})",
                "use the version that made it",
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes inside all together or not at all; lasting when it returns."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise SystemFault(
                f"cannot write the server's books {self._path}: {error}",
                "nothing was changed; is the disk full or read-only?",
            ) from error

    # Single values

    def meta(self, key: str) -> str | None:
        """Return a single value, None when it was never set."""
        rows = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str | None) -> None:
        """Set a single value; None removes it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # Pairings

    def pairings(self) -> list[Pairing]:
        """Return all pairings by name."""
        return [
            Pairing(
                id=row[0],
                name=row[1],
                token_id=row[2],
                secret=Secret(row[3]),
                parameters=Parameters.from_dict(json.loads(row[4])),
                hosts=tuple(json.loads(row[5])),
                port=row[6],
                next=row[7],
                last_open=row[8],
                last_address=row[9],
            )
            for row in self._db.execute(
                "SELECT id, name, token_id, secret, parameters, hosts, port, next, last_open,"
                " last_address FROM pairing ORDER BY name"
            )
        ]

    def pairing(self, name: str) -> Pairing:
        """Return the pairing of a name, any case; raise NoSuchPairing."""
        for pairing in self.pairings():
            if pairing.name.lower() == name.lower():
                return pairing
        raise NoSuchPairing(
            f"there is no pairing {name!r}", "'sshknock-server client list' shows all"
        )

    def add_pairing(
        self,
        name: str,
        *,
        hosts: tuple[str, ...],
        port: int,
        parameters: Parameters,
        now: int,
    ) -> Pairing:
        """Make a pairing with a fresh secret; raise BadInput when the name is taken."""
        if any(p.name.lower() == name.lower() for p in self.pairings()):
            raise BadInput(
                f"there is a pairing {name!r} already",
                f"choose another name, or 'sshknock-server client remove {name}' first",
            )
        self._db.execute(
            "INSERT INTO pairing (name, token_id, secret, parameters, hosts, port, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                secrets.token_hex(8),
                secrets.token_bytes(32),
                json.dumps(parameters.to_dict()),
                json.dumps(hosts),
                port,
                now,
            ),
        )
        return self.pairing(name)

    def remove_pairing(self, pairing: Pairing) -> None:
        """Forget a pairing, its tickets and sessions."""
        self._db.execute("DELETE FROM pairing WHERE id = ?", (pairing.id,))

    def move_on(self, pairing: int, *, to: int, address: str, now: int) -> None:
        """Let ``next`` grow to ``to``; it never decreases. Doors below it lose their tickets."""
        if to >= COUNTER_LIMIT:
            raise SystemFault("the counter of a pairing is used up", "rotate the pairing")
        self._db.execute(
            "UPDATE pairing SET next = max(next, ?), last_open = ?, last_address = ? WHERE id = ?",
            (to, now, address, pairing),
        )
        self._db.execute(
            "DELETE FROM ticket WHERE pairing = ? AND purpose = 'open' AND counter <"
            " (SELECT next FROM pairing WHERE id = ?)",
            (pairing, pairing),
        )

    # Tickets

    def tickets(self) -> list[Ticket]:
        """Return the tickets of all doors, in the order of their ids."""
        return [
            Ticket(id_, pairing, Purpose(purpose), counter, sequence, closing)
            for id_, pairing, purpose, counter, sequence, closing in self._db.execute(
                "SELECT id, pairing, purpose, counter, sequence, closing FROM ticket ORDER BY id"
            )
        ]

    def issue(
        self,
        pairing: int,
        purpose: Purpose,
        counter: int,
        *,
        sequence: str,
        closing: str,
        generation: int,
    ) -> None:
        """Make a ticket with an id that was never used before."""
        self._db.execute(
            "INSERT INTO ticket (pairing, purpose, counter, sequence, closing, generation)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (pairing, purpose.value, counter, sequence, closing, generation),
        )

    def withdraw(self, ticket: int) -> None:
        """Forget a ticket; its id stays spent."""
        self._db.execute("DELETE FROM ticket WHERE id = ?", (ticket,))

    def withdraw_generation(self, generation: int) -> None:
        """Forget the tickets that were planned under a generation that never came to be."""
        self._db.execute("DELETE FROM ticket WHERE generation = ?", (generation,))

    def withdraw_all(self) -> None:
        """Forget all tickets: the kernel lost them."""
        self._db.execute("DELETE FROM ticket")

    # Sessions

    def sessions(self) -> list[Session]:
        """Return the sessions that are not over, the oldest first."""
        return [
            Session(*row)
            for row in self._db.execute(
                "SELECT id, pairing, counter, address, opened_at, not_before, peer_port, sshd_pid,"
                " sshd_started FROM session ORDER BY id"
            )
        ]

    def begin_session(
        self, pairing: int, counter: int, address: str, *, now: int, not_before: int
    ) -> None:
        """Enter a session: its door was opened from this address."""
        self._db.execute(
            "INSERT OR IGNORE INTO session (pairing, counter, address, opened_at, not_before)"
            " VALUES (?, ?, ?, ?, ?)",
            (pairing, counter, address, now, not_before),
        )

    def attach(self, session: int, *, peer_port: int, pid: int, started: int) -> None:
        """Note which sshd process serves a session; ``started`` tells a reused pid apart."""
        self._db.execute(
            "UPDATE session SET peer_port = ?, sshd_pid = ?, sshd_started = ? WHERE id = ?",
            (peer_port, pid, started, session),
        )

    def end_session(self, session: int) -> None:
        """Strike a session out."""
        self._db.execute("DELETE FROM session WHERE id = ?", (session,))

    # Log

    def record(
        self,
        kind: str,
        now: int,
        *,
        pairing: str | None = None,
        address: str | None = None,
        detail: str = "",
    ) -> None:
        """Add a line to the log; the oldest lines go."""
        done = self._db.execute(
            "INSERT INTO event (at, kind, pairing, address, detail) VALUES (?, ?, ?, ?, ?)",
            (now, kind, pairing, address, detail),
        )
        self._db.execute("DELETE FROM event WHERE id <= ?", ((done.lastrowid or 0) - _EVENTS_KEPT,))

    def events(self, most: int) -> list[Event]:
        """Return the last lines of the log, the oldest first."""
        rows = self._db.execute(
            "SELECT at, kind, pairing, address, detail FROM event ORDER BY id DESC LIMIT ?", (most,)
        ).fetchall()
        return [Event(*row) for row in reversed(rows)]
