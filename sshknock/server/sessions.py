"""Which sessions still run: asked of the process table and of the kernel's connections."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sshknock.protocol.names import Address, parse_address
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
            if not is_running(session.sshd_pid, session.sshd_started):
                over.append(session)
        elif now > session.opened_at + config.timeout_s:
            if connected is None:
                connected = {c.peer_address for c in established(config.ports)}
            if parse_address(session.address) not in connected:
                over.append(session)
    return over


def is_running(pid: int, started: int | None) -> bool:
    """Tell whether a process runs, and is the one that was meant."""
    fields = stat_fields(pid)
    return fields is not None and fields[0] != "Z" and int(fields[19]) == started


def start_time(pid: int) -> int | None:
    """Return a process's start time in clock ticks since boot (proc_pid_stat(5), field 22)."""
    fields = stat_fields(pid)
    return None if fields is None else int(fields[19])


def stat_fields(pid: int) -> list[str] | None:
    """Return ``/proc/PID/stat`` from its third field on: a program's name may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()
