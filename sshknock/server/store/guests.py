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
            for row in self._db.execute("SELECT address, until, left_s FROM guest ORDER BY address")
        ]

    def admit_guest(self, address: str, until: int, *, left_s: int) -> None:
        """Enter a guest, or give one another time; ``until`` is in Unix seconds."""
        self._db.execute(
            "INSERT OR REPLACE INTO guest (address, until, left_s) VALUES (?, ?, ?)",
            (address, until, left_s),
        )

    def keep_guests_time(self, address: str, left_s: int) -> None:
        """Note for how long the kernel lets a guest in yet."""
        self._db.execute("UPDATE guest SET left_s = ? WHERE address = ?", (left_s, address))

    def revoke_guest(self, address: str) -> bool:
        """Strike a guest out; False when there was none of this address."""
        return bool(self._db.execute("DELETE FROM guest WHERE address = ?", (address,)).rowcount)
