"""What is seen of an sshd in a moment, while it waits: kept free of heavy imports for the PAM hook.

A short session is over within milliseconds of its beginning, and with it everything in /proc.
"""

from __future__ import annotations

import os

_PROGRAMS = frozenset({"sshd", "sshd-session"})  # the second since OpenSSH 9.8
_DELETED = " (deleted)"  # an upgrade replaced the file under a running sshd
_TABLES = ("/proc/self/net/tcp", "/proc/self/net/tcp6")
_CHUNK = 1 << 16
_SOCKET = "socket:["


def is_privileged(pid: int) -> bool:
    """Tell whether a process is an sshd and root, in all its user ids."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
            status = file.read()
        program = os.readlink(f"/proc/{pid}/exe")  # noqa: PTH115
    except OSError:
        return False
    # Not the owner of /proc/PID: that is root for every process that gave up its privileges.
    uids = next((line for line in status.splitlines() if line.startswith(b"Uid:")), b"")
    name = program.removesuffix(_DELETED).rpartition("/")[2]
    return uids.split() == [b"Uid:", b"0", b"0", b"0", b"0"] and name in _PROGRAMS


def sockets(pid: int) -> list[int]:
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
        if target.startswith(_SOCKET):
            inodes.append(int(target[len(_SOCKET) : -1]))
    return inodes


def connection_tables(longest: int | None = None) -> list[bytes] | None:
    """Return the kernel's tables of TCP connections; None when one is longer than is allowed.

    They are of our own network: a socket of another network namespace is in none of them.
    """
    tables = []
    for path in _TABLES:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # a kernel without IPv6
        try:
            table = bytearray()
            while part := os.read(descriptor, _CHUNK):
                table += part
                if longest is not None and len(table) > longest:
                    return None
        finally:
            os.close(descriptor)
        tables.append(bytes(table))
    return tables
