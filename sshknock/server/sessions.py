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

    A session whose address is still admitted is not over: its close sequence has work to do. Else
    one that an sshd process serves ends with that process, and one without, because it did not log
    in yet, never will, or there is no hook, when no connection from its address stands.
    """
    over = []
    connected: set[Address] | None = None
    for session in running:
        address = parse_address(session.address)
        if address in admitted:
            continue
        if session.sshd_pid is not None:
            if not is_served(session):
                over.append(session)
        else:
            if connected is None:
                connected = {c.peer_address for c in connected_to(config.ports)}
            if address not in connected:
                over.append(session)
    return over


def is_served(session: Session) -> bool:
    """Tell whether the sshd process of a session is there, and is still that one."""
    pid = session.sshd_pid
    return pid is not None and proc.started(pid) == session.sshd_started


def is_running(session: Session) -> bool:
    """Tell whether a session counts as one that runs: it is served, or may be about to be."""
    return session.sshd_pid is None or is_served(session)
