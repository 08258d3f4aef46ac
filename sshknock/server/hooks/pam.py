"""``pam``: pam_exec's command when a session begins. It returns at once, and it never fails.

Its parent is the privileged sshd of the connection, whatever the environment says. As long as sshd
waits for us its sockets are sure to be there, so they are noted first. What is left to do is done
in the background: enter the session, wait for the end of that sshd, reconcile. That also sees an
end by SIGKILL, which PAM's close_session never does.
"""

from __future__ import annotations

import os

from sshknock.server import proc
from sshknock.server.hooks import sshd
from sshknock.server.hooks.detach import detach

_TABLE_LONGEST = 1 << 20  # some 7000 connections, read in 10 ms: a login waits no longer


def run(arguments: list[str]) -> int:  # noqa: ARG001  the command takes none
    """Leave a process behind that looks after the session of our parent; return 0."""
    pid = os.getppid()
    started = proc.started(pid)
    if started is None or not sshd.is_privileged(pid) or os.getppid() != pid:
        return 0
    inodes, tables = sshd.sockets(pid), sshd.connection_tables(_TABLE_LONGEST)
    if detach():
        try:
            _look_after(pid, started, inodes, tables)
        finally:
            os._exit(1)
    return 0


def _look_after(pid: int, started: int, inodes: list[int], tables: list[bytes] | None) -> None:
    from sshknock.server.hooks import background  # noqa: PLC0415  not before the caller was let go

    child = os.fork()  # what it imports and reads is too much to keep beside a session
    if not child:
        background.end_after()
        _begin(pid, started, inodes, tables)
        os._exit(0)
    os.waitpid(child, 0)
    proc.wait_for_end(pid, started)
    background.become("reconcile", "--soon", "end")


def _begin(pid: int, started: int, inodes: list[int], tables: list[bytes] | None) -> None:
    from sshknock.server.hooks.peer import Sshd, peer_among, peer_of  # noqa: PLC0415  the same
    from sshknock.server.hooks.reconciling import reconcile_soon  # noqa: PLC0415  the same
    from sshknock.server.hooks.session import enter  # noqa: PLC0415  the same

    process = Sshd(pid, started)
    peer = peer_of(process) if tables is None else peer_among(process, inodes, tables)
    if peer is not None:
        enter(peer)
    reconcile_soon("session")
