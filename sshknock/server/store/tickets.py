"""The tickets in the books: what the kernel was given, one a door."""

from __future__ import annotations

from sshknock.protocol.knocks import Purpose
from sshknock.server.store.database import Database
from sshknock.server.store.records import Ticket


class Tickets(Database):
    """Which doors there are."""

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
