"""``reconcile [REASON] [--session PID:STARTED]…``, and what the other hooks do in the background.

A hundred logins at once are not a hundred reconciles: one runs, one waits for its turn, and whoever
comes then may go, because the one that waits will see what he has seen.
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
from collections.abc import Sequence

from sshknock.errors import SshknockError, UsageError
from sshknock.server import paths
from sshknock.server.books import attach_session
from sshknock.server.engines.knockd.daemons import watched_pids
from sshknock.server.hooks import background
from sshknock.server.hooks.peer import Sshd, peer_of, sshd_of
from sshknock.server.reconcile import Outcome, reconcile
from sshknock.system.files import locked

_REASON = re.compile(r"[a-z][a-z-]{0,30}", re.ASCII)
_SESSION = re.compile(r"([1-9][0-9]{0,9}):([1-9][0-9]{0,19})", re.ASCII)
_PATIENCE_S = 60.0


def run(arguments: Sequence[str]) -> int:
    """Reconcile and print what the supervisor wants to know: ``due SECONDS``, ``watch PID``."""
    reason, sessions = _parse(arguments)
    outcome = reconcile(reason)
    for session in sessions:
        try:
            _attach(session)
        except SshknockError as error:
            background.note(error.message)
    if outcome.due_s is not None:
        sys.stdout.write(f"due {outcome.due_s:.3f}\n")
    for pid in watched_pids():
        sys.stdout.write(f"watch {pid}\n")
    sys.stdout.flush()
    return 0


def reconcile_soon(reason: str) -> None:
    """Reconcile, unless another process waits for its turn to do just that; failures are logged."""
    try:
        _in_turn(reason)
    except SshknockError as error:
        background.note(f"{reason}: {error.message}")


def begin_session(pid: int, started: int) -> None:
    """Enter the session of an sshd process into the books; failures are logged.

    First the books have to hear of the knock that opened the door: its own hook may still run.
    """
    sshd = sshd_of(pid)
    if sshd != Sshd(pid, started):
        return
    try:
        reconcile("session")
        _attach(sshd)
    except SshknockError as error:
        background.note(f"session: {error.message}")


def _attach(sshd: Sshd) -> None:
    peer = peer_of(sshd)
    if peer is not None:
        attach_session(peer.address, peer.port, peer.sshd_pid, peer.sshd_started)


def _in_turn(reason: str) -> Outcome | None:
    paths.RUN.mkdir(mode=0o755, exist_ok=True)
    waiting = os.open(paths.RUN / "next.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(waiting, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(waiting)
        return None
    try:
        turn = locked(paths.RUN / "turn.lock", timeout_s=_PATIENCE_S)
        turn.__enter__()
    finally:
        os.close(waiting)
    try:
        return reconcile(reason)
    finally:
        turn.__exit__(None, None, None)


def _parse(arguments: Sequence[str]) -> tuple[str, list[Sshd]]:
    reason = "hook"
    sessions = []
    rest = list(arguments)
    if rest and _REASON.fullmatch(rest[0]):
        reason = rest.pop(0)
    while len(rest) > 1 and rest[0] == "--session":
        match = _SESSION.fullmatch(rest[1])
        if match is None:
            break
        sessions.append(Sshd(int(match[1]), int(match[2])))
        del rest[:2]
    if rest:
        raise UsageError("reconcile takes a reason of small letters", "sshknock-hook --help")
    return reason, sessions
