"""Which sessions still run: asked of the process table and of the kernel's connections."""

from __future__ import annotations

from collections.abc import Iterable

from sshknock.protocol.names import Address, parse_address
from sshknock.server import proc
from sshknock.server.config import Config
from sshknock.server.connections import established
from sshknock.server.store import Session


def that_are_over(running: Iterable[Session], config: Config, now: int) -> list[Session]:
    """Return the sessions whose end nobody told us.

    A session that an sshd process serves ends with that process. One without, because it did not
    log in yet or because there is no hook, ends when its admission has run out and no connection
    from its address to a hidden port stands.
    """
    over = []
    connected: set[Address] | None = None
    for session in running:
        if session.sshd_pid is not None:
            if proc.started(session.sshd_pid) != session.sshd_started:
                over.append(session)
        elif now > session.opened_at + config.timeout_s:
            if connected is None:
                connected = {c.peer_address for c in established(config.ports)}
            if parse_address(session.address) not in connected:
                over.append(session)
    return over
