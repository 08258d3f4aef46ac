"""Which sessions still run: asked of the process table and of the kernel's connections."""

from __future__ import annotations

from collections.abc import Iterable

from sshknock.protocol.addresses import Address, parse_address
from sshknock.server import proc
from sshknock.server.config import Config
from sshknock.server.connections import connected_to
from sshknock.server.store import Session


def that_are_over(
    running: Iterable[Session], config: Config, admitted: frozenset[Address]
) -> list[Session]:
    """Return the sessions whose end nobody told us.

    A session that an sshd process serves ends with that process. One without, because it did not
    log in yet, never will, or there is no hook, is over when its address is neither admitted nor
    connected to a hidden port.
    """
    over = []
    connected: set[Address] | None = None
    for session in running:
        address = parse_address(session.address)
        if session.sshd_pid is not None:
            if proc.started(session.sshd_pid) != session.sshd_started:
                over.append(session)
        elif address not in admitted:
            if connected is None:
                connected = {c.peer_address for c in connected_to(config.ports)}
            if address not in connected:
                over.append(session)
    return over
