"""What a reconcile tells the supervisor, as lines: ``due SECONDS``, ``watch PID``."""

from __future__ import annotations

from sshknock.server.engines.knockd.daemons import watched_pids
from sshknock.server.reconcile import reconcile


def reconcile_and_tell(reason: str) -> str:
    """Reconcile; return when it wants to be called again, and the daemons to look after."""
    outcome = reconcile(reason)
    lines = [] if outcome.due_s is None else [f"due {outcome.due_s:.3f}"]
    lines += [f"watch {pid}" for pid in watched_pids()]
    return "".join(f"{line}\n" for line in lines)
