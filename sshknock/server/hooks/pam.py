"""``pam``: pam_exec's command when a session begins. It returns at once, and it never fails.

Its parent is the privileged sshd of the connection, whatever the environment says. What is left
to do is done in the background: enter the session, wait for the end of that sshd, reconcile. That
also sees an end by SIGKILL, which PAM's close_session never does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sshknock.server.hooks import background, proc

_NO_SSHD = 3


def run(arguments: Sequence[str]) -> int:  # noqa: ARG001  the command takes none
    """Leave a process behind that looks after the session of our parent; return 0."""
    sshd = os.getppid()
    started = proc.started(sshd)
    if started is None or os.getppid() != sshd:
        return 0
    if background.detach():
        follow(sshd, started)
        os._exit(0)
    return 0


def follow(sshd: int, started: int) -> None:
    """Enter the session, wait for its end, reconcile: each in as little memory as it can."""
    if background.in_child(lambda: _begin(sshd, started)) != _NO_SSHD:
        proc.wait_for_end(sshd, started)
        background.become("reconcile", "--soon", "end")


def _begin(pid: int, started: int) -> int:
    # The peer at once: a short session may be over before the rest is loaded.
    from sshknock.server.hooks.peer import Sshd, peer_of, sshd_of  # noqa: PLC0415

    sshd = sshd_of(pid)
    if sshd != Sshd(pid, started):
        return _NO_SSHD
    peer = peer_of(sshd)
    if peer is not None:
        from sshknock.server.hooks.reconciling import begin_session  # noqa: PLC0415

        begin_session(peer)
    return 0
