"""The guests in the books: addresses that are let in without a knock, for a time."""

from __future__ import annotations

from sshknock.server.store.database import Database
from sshknock.server.store.records import Guest


class Guests(Database):
    """Who is let in by the administrator's word."""

    def guests(self) -> list[Guest]:
        """Return the guests in the order of their addresses, those whose time is over too."""
        return [
            Guest(*row)
            for row in self._db.execute("SELECT address, until FROM guest ORDER BY address")
        ]

    def admit_guest(self, address: str, until: int) -> None:
        """Enter a guest, or give one another time; ``until`` is in Unix seconds."""
        self._db.execute("INSERT OR REPLACE INTO guest VALUES (?, ?)", (address, until))

    def revoke_guest(self, address: str) -> bool:
        """Strike a guest out; False when there was none of this address."""
        return bool(self._db.execute("DELETE FROM guest WHERE address = ?", (address,)).rowcount)
