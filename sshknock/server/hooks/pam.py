"""``pam``: pam_exec's command when a session begins. It returns at once, and it never fails.

Its parent is the privileged sshd of the connection, whatever the environment says. What is left
to do is done in the background: enter the session, wait for the end of that sshd, reconcile. That
also sees an end by SIGKILL, which PAM's close_session never does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sshknock.server.hooks import background, proc


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
    background.in_child(lambda: _begin(sshd, started))
    proc.wait_for_end(sshd, started)
    background.become("reconcile", "end")


def _begin(sshd: int, started: int) -> None:
    from sshknock.server.hooks.reconciling import begin_session  # noqa: PLC0415  not in the waiting one

    begin_session(sshd, started)
