"""``reconcile [--soon] [REASON]``, and what the other hooks do in the background.

A hundred logins at once are not a hundred reconciles: one runs, one waits for its turn, and whoever
comes then may go, because the one that waits will see what he has seen.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from sshknock.errors import SshknockError, UsageError
from sshknock.server import paths
from sshknock.server.config import load
from sshknock.server.hooks import background
from sshknock.server.hooks.telling import reconcile_and_tell
from sshknock.server.reconcile import reconcile
from sshknock.server.upkeep import keep_supervised
from sshknock.system.files import LockTimeout, locked

_REASON = re.compile(r"[a-z][a-z-]{0,30}", re.ASCII)
_PATIENCE_S = 60.0


def run(arguments: Sequence[str]) -> int:
    """Reconcile and print what the supervisor wants to know.

    With ``--soon`` as reconcile_soon() does it, and nothing is printed.
    """
    soon = arguments[:1] == ["--soon"]
    reason = _reason(arguments[soon:])
    if soon:
        reconcile_soon(reason)
        return 0
    sys.stdout.write(reconcile_and_tell(reason))
    sys.stdout.flush()
    return 0


def reconcile_soon(reason: str) -> None:
    """Reconcile, unless another process waits for its turn to do just that; failures are logged."""
    if not paths.CONFIG_FILE.exists():
        return
    try:
        # At the caller's own niceness: others wait for the locks that this takes. At 10 a busy
        # machine kept them from a command for 20 s, and logins were no quicker for it (measured
        # with bench.login at 10, 3 and 0, twice each: 1.6 to 1.7 times a direct ssh).
        _in_turn(reason)
    except SshknockError as error:
        background.note(f"{reason}: {error.message}")


def _in_turn(reason: str) -> None:
    """Reconcile when no other hook does; leave it to the one that waits already, if one does.

    Raises LockTimeout when the hook that is at work does not end. The locks lie beside the books,
    in a folder that goes with ``uninstall``: a hook that is late makes nothing anew.
    """
    with ExitStack() as turn:
        with ExitStack() as place:
            try:
                place.enter_context(locked(paths.NEXT_HOOK, timeout_s=0))
            except LockTimeout:
                return
            turn.enter_context(locked(paths.HOOK_AT_WORK, timeout_s=_PATIENCE_S))
        reconcile(reason)
        keep_supervised(load())


def _reason(arguments: Sequence[str]) -> str:
    if not arguments:
        return "hook"
    if len(arguments) > 1 or not _REASON.fullmatch(arguments[0]):
        raise UsageError("reconcile takes a reason of small letters", "sshknock-hook --help")
    return arguments[0]
