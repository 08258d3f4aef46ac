"""The server's books: one SQLite file that only root can read.

Pairings with their secrets and counters, the tickets that the kernel holds (one a door), running
sessions, guests and a bounded log. A method either changes the books as a whole, inside
``transaction``, or reads. Nothing here knows of firewalls or daemons.

schema    the tables, version by version
database  the file: opened, brought up to date, changed in transactions
records   what the books hold, as values
the rest  the methods of ``Store``, a table each
"""

from __future__ import annotations

from sshknock.server.store.guests import Guests
from sshknock.server.store.log import Log
from sshknock.server.store.pairings import Pairings
from sshknock.server.store.records import (
    KINDS,
    WARNINGS,
    Event,
    Guest,
    Kind,
    Pairing,
    Session,
    Spent,
    Stage,
    Ticket,
    Unattended,
)
from sshknock.server.store.sessions import Sessions
from sshknock.server.store.tickets import Tickets

__all__ = [
    "KINDS",
    "WARNINGS",
    "Event",
    "Guest",
    "Kind",
    "Pairing",
    "Session",
    "Spent",
    "Stage",
    "Store",
    "Ticket",
    "Unattended",
]


class Store(Pairings, Tickets, Sessions, Guests, Log):
    """The books, opened. Use one ``Store`` in one process under the server's lock."""
