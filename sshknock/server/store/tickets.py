"""The tickets in the books: what the kernel was given, one a door."""

from __future__ import annotations

from sshknock.protocol.knocks import Purpose
from sshknock.server.store.database import Database
from sshknock.server.store.records import Spent, Ticket

_REMEMBERED_S = 3600
_RETIRED = 0
"""In place of the generation of a ticket that the kernel may still hold, and shall not."""


class Tickets(Database):
    """Which doors there are."""

    def tickets(self) -> list[Ticket]:
        """Return the tickets of all doors, in the order of their ids."""
        return self._tickets(retired=False)

    def retired_tickets(self) -> list[Ticket]:
        """Return the tickets of doors that are to go, in the order of their ids."""
        return self._tickets(retired=True)

    def _tickets(self, *, retired: bool) -> list[Ticket]:
        rows = self._db.execute(
            "SELECT id, pairing, purpose, counter, sequence, closing FROM ticket"
            " WHERE (generation = ?) = ? ORDER BY id",
            (_RETIRED, retired),
        )
        return [
            Ticket(id_, pairing, Purpose(purpose), counter, sequence, closing)
            for id_, pairing, purpose, counter, sequence, closing in rows
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
        """Make a ticket with an id that was never used before, or take a retired one back."""
        self._db.execute(
            "INSERT INTO ticket (pairing, purpose, counter, sequence, closing, generation)"
            " VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (pairing, purpose, counter)"
            " DO UPDATE SET generation = excluded.generation",
            (pairing, purpose.value, counter, sequence, closing, generation),
        )

    def retire(self, ticket: int) -> None:
        """Let a door go: its ticket is forgotten when the kernel holds it no more.

        Until then it may be used, and the books must know which counter that was.
        """
        self._db.execute("UPDATE ticket SET generation = ? WHERE id = ?", (_RETIRED, ticket))

    def forget_retired(self) -> None:
        """Forget the retired tickets: the kernel was made to."""
        self._db.execute("DELETE FROM ticket WHERE generation = ?", (_RETIRED,))

    def note_spent(self, ticket: int, spent: Spent, now: int) -> None:
        """Remember a ticket that is gone, and no longer those of an hour ago."""
        self._db.execute("DELETE FROM spent WHERE at < ?", (now - _REMEMBERED_S,))
        self._db.execute(
            "INSERT OR REPLACE INTO spent (ticket, pairing, counter, address, at)"
            " VALUES (?, ?, ?, ?, ?)",
            (ticket, spent.pairing, spent.counter, spent.address, now),
        )

    def spent(self, ticket: int) -> Spent | None:
        """Return what a ticket was that is gone; None for any other."""
        rows = self._db.execute(
            "SELECT pairing, counter, address FROM spent WHERE ticket = ?", (ticket,)
        ).fetchall()
        return Spent(*rows[0]) if rows else None

    def withdraw(self, ticket: int) -> None:
        """Forget a ticket; its id stays spent."""
        self._db.execute("DELETE FROM ticket WHERE id = ?", (ticket,))

    def withdraw_generation(self, generation: int) -> None:
        """Forget the tickets that were planned under a generation that never came to be."""
        self._db.execute("DELETE FROM ticket WHERE generation = ?", (generation,))

    def withdraw_all(self) -> None:
        """Forget all tickets: the kernel lost them."""
        self._db.execute("DELETE FROM ticket")
