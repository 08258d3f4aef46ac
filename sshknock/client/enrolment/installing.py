"""``--install``: the program goes there too, and the server is set up on trial."""

from __future__ import annotations

from sshknock.client.enrolment.order import Order, Tell
from sshknock.client.remote.administrator import Administrator
from sshknock.client.remote.connection import Connection


def install(connection: Connection, server: Administrator, order: Order, tell: Tell) -> None:
    """Bring the program there, or up to date; hide the port on trial where ``init`` has not run."""
