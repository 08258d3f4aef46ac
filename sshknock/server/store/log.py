"""The log in the books: what happened, as far back as there is room."""

from __future__ import annotations

from sshknock.server.store.database import Database
from sshknock.server.store.records import Event

_EVENTS_KEPT = 10_000


class Log(Database):
    """What happened."""

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
