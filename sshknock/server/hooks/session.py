"""``session PEER…``: enter sessions into the books, and nothing else: it has to be quick.

The next session from the same address must not be taken for this one.
"""

from __future__ import annotations

from collections.abc import Sequence

from sshknock.errors import SshknockError, UsageError
from sshknock.server.hooks import background
from sshknock.server.hooks.peer import Peer
from sshknock.server.reconcile import enter_session


def run(arguments: Sequence[str]) -> int:
    """Enter the sessions of peers that the supervisor has seen; raises SshknockError."""
    if not arguments:
        raise UsageError("session takes what the supervisor gives it", "sshknock-hook --help")
    for peer in [Peer.from_argument(word) for word in arguments]:
        enter(peer)
    return 0


def enter(peer: Peer) -> None:
    """Enter one session; a failure is logged."""
    try:
        enter_session(peer.address, peer.port, peer.local_port, peer.sshd_pid, peer.sshd_started)
    except SshknockError as error:
        background.note(f"session: {error.message}")
