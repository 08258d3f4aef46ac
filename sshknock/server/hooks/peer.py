"""Who is at the other end of an SSH session: asked of the kernel, never of the environment.

A user can make ``SSH_CONNECTION`` and ``PAM_RHOST`` say anything. What he cannot make is a process
of root that runs sshd, is above his own, and holds an established connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sshknock.errors import BadInput
from sshknock.protocol.addresses import parse_address
from sshknock.server import connections, proc
from sshknock.server.hooks import sshd

_GENERATIONS = 64


@dataclass(frozen=True, slots=True)
class Sshd:
    """The privileged sshd process of one connection; ``started`` in clock ticks since boot."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Peer:
    """The client's end of a session's connection, the server's port, and the session's sshd."""

    address: str
    port: int
    local_port: int
    sshd_pid: int
    sshd_started: int

    def argument(self) -> str:
        """Return the peer as one word of a command line; no address has a comma in it."""
        numbers = (self.port, self.local_port, self.sshd_pid, self.sshd_started)
        return ",".join((self.address, *map(str, numbers)))

    @classmethod
    def from_argument(cls, word: str) -> Peer:
        """Read what argument() wrote; raises BadInput."""
        address, *numbers = word.split(",")
        try:
            port, local_port, pid, started = map(int, numbers)
        except ValueError:
            raise BadInput("that is no session") from None
        return cls(str(parse_address(address)), port, local_port, pid, started)


def sshd_of(pid: int) -> Sshd | None:
    """Return the nearest privileged sshd among a process and its ancestors."""
    for _ in range(_GENERATIONS):
        if pid <= 1:
            return None
        started = proc.started(pid)
        if started is not None and sshd.is_privileged(pid) and proc.started(pid) == started:
            return Sshd(pid, started)
        pid = proc.parent(pid)
    return None


def peer_of(process: Sshd) -> Peer | None:
    """Return the peer of an sshd's connection; None when it has none, as the one that listens."""
    inodes = sshd.sockets(process.pid)
    tables = sshd.connection_tables() if inodes else None
    if proc.started(process.pid) != process.started:
        return None
    return peer_among(process, inodes, tables or ())


def peer_among(process: Sshd, inodes: Sequence[int], tables: Iterable[bytes]) -> Peer | None:
    """Return the peer of the first of an sshd's sockets that is an established connection."""
    found = {c.inode: c for table in tables for c in connections.parse(table.decode("ascii"))}
    for inode in inodes:
        if inode in found:
            c = found[inode]
            address = str(c.peer_address)
            return Peer(address, c.peer_port, c.local_port, process.pid, process.started)
    return None


def find_peer(pid: int) -> Peer | None:
    """Return the peer of the session that a process belongs to."""
    process = sshd_of(pid)
    return peer_of(process) if process is not None else None
