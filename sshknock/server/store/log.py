"""The log in the books: what happened, as far back as there is room."""

from __future__ import annotations

from collections.abc import Iterator

from sshknock.server.store.database import Database
from sshknock.server.store.records import Event, Kind

EVENTS_KEPT = 20_000
_COLUMNS = "id, at, kind, pairing, address, counter, detail"


class Log(Database):
    """What happened."""

    def record(
        self,
        kind: Kind,
        now: int,
        *,
        pairing: str | None = None,
        address: str | None = None,
        counter: int | None = None,
        detail: str = "",
    ) -> None:
        """Add a line to the log, and tell it on once it lasts; the oldest lines go."""
        done = self._db.execute(
            "INSERT INTO event (at, kind, pairing, address, counter, detail)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (now, kind, pairing, address, counter, detail),
        )
        id_ = done.lastrowid or 0
        self._db.execute("DELETE FROM event WHERE id <= ?", (id_ - EVENTS_KEPT,))
        self._to_tell.append(Event(id_, now, kind, pairing, address, counter, detail))

    def addresses_of(self, kind: Kind, pairing: str, counter: int) -> set[str]:
        """Return the addresses that the log has of this kind at a client's counter."""
        rows = self._db.execute(
            "SELECT DISTINCT address FROM event WHERE kind = ? AND pairing = ? AND counter = ?",
            (kind, pairing, counter),
        )
        return {address for (address,) in rows if address is not None}

    def events(self, most: int = EVENTS_KEPT) -> list[Event]:
        """Return the last lines of the log, the oldest first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM event ORDER BY id DESC LIMIT ?",  # noqa: S608  a constant
            (most,),
        ).fetchall()
        return [Event(*row) for row in reversed(rows)]

    def events_after(self, id_: int) -> Iterator[Event]:
        """Yield the lines that were added after one, the oldest first."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM event WHERE id > ? ORDER BY id",  # noqa: S608  a constant
            (id_,),
        )
        return (Event(*row) for row in rows.fetchall())

    def doors_without_login(self, address: str, since: int) -> list[tuple[str, int]]:
        """Return clients and counters of the doors that an address has opened since a moment.

        The latest first, and only those behind which no login was noted.
        """
        return self._db.execute(
            "SELECT pairing, counter FROM event AS door"
            " WHERE kind = 'open' AND address = ? AND at >= ? AND NOT EXISTS"
            " (SELECT 1 FROM event WHERE kind = 'login' AND id > door.id"
            " AND pairing = door.pairing AND counter = door.counter)"
            " ORDER BY id DESC",
            (address, since),
        ).fetchall()
