"""The sessions in the books: doors that were opened and whose sessions are not over."""

from __future__ import annotations

from sshknock.server.store.database import Database
from sshknock.server.store.records import Session, Unattended


class Sessions(Database):
    """Who is in."""

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

    def note_unattended(self, one: Unattended) -> None:
        """Remember a session that ended without a login that we know of."""
        self._db.execute(
            "INSERT INTO unattended (pairing, counter, address, at) VALUES (?, ?, ?, ?)",
            (one.pairing, one.counter, one.address, one.at),
        )

    def unattended(self) -> list[Unattended]:
        """Return the sessions that ended without a login, and may yet turn out to have had one."""
        rows = self._db.execute("SELECT pairing, counter, address, at FROM unattended ORDER BY at")
        return [Unattended(*row) for row in rows]

    def forget_unattended(self, pairing: str, counter: int) -> bool:
        """Forget one of these; False when it was none."""
        done = self._db.execute(
            "DELETE FROM unattended WHERE pairing = ? AND counter = ?", (pairing, counter)
        )
        return bool(done.rowcount)
