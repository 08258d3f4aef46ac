"""Who is at the other end of an SSH session: asked of the kernel, never of the environment.

A user can make ``SSH_CONNECTION`` and ``PAM_RHOST`` say anything. What he cannot make is a process
of root that runs sshd, is above his own, and holds an established connection.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from sshknock.errors import BadInput
from sshknock.protocol.names import parse_address
from sshknock.server import connections
from sshknock.server.hooks import proc

_PROGRAMS = frozenset({"sshd", "sshd-session"})  # the second since OpenSSH 9.8
_DELETED = " (deleted)"  # an upgrade replaced the file under a running sshd
_GENERATIONS = 64
_ANY_PORT = range(1, 65536)


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
        if started is not None and _is_privileged_sshd(pid) and proc.started(pid) == started:
            return Sshd(pid, started)
        pid = proc.parent(pid)
    return None


def peer_of(sshd: Sshd) -> Peer | None:
    """Return the peer of an sshd's connection; None when it has none, as the one that listens."""
    inodes = _sockets(sshd.pid)
    # Our own network's table: a socket of another network namespace is not in it.
    found = {c.inode: c for c in connections.established(_ANY_PORT)} if inodes else {}
    if proc.started(sshd.pid) != sshd.started:
        return None
    for inode in inodes:
        if inode in found:
            c = found[inode]
            address = str(c.peer_address)
            return Peer(address, c.peer_port, c.local_port, sshd.pid, sshd.started)
    return None


def find_peer(pid: int) -> Peer | None:
    """Return the peer of the session that a process belongs to."""
    sshd = sshd_of(pid)
    return peer_of(sshd) if sshd is not None else None


def _is_privileged_sshd(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
            status = file.read()
        program = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
    except OSError:
        return False
    # Not the owner of /proc/PID: that is root for every process that gave up its privileges.
    uids = next((line for line in status.splitlines() if line.startswith(b"Uid:")), b"")
    name = os.path.basename(program.removesuffix(_DELETED))  # noqa: PTH119
    return uids.split() == [b"Uid:", b"0", b"0", b"0", b"0"] and name in _PROGRAMS


def _sockets(pid: int) -> list[int]:
    """Return the inodes of a process's sockets by descriptor.

    The lowest comes first: a root session's sshd also holds what the user forwards, opened later.
    """
    folder = f"/proc/{pid}/fd"
    inodes = []
    try:
        names = sorted(os.listdir(folder), key=int)  # noqa: PTH208
    except OSError:
        return []
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.append(int(target[len("socket:[") : -1]))
    return inodes
