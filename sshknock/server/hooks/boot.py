"""``boot``: hide the port before the network is up.

Only the kernel's table and the books: knockd cannot listen on an interface that is not there yet,
and the service manager starts nothing that waits for the network while the network waits for us.
"""

from __future__ import annotations

from collections.abc import Sequence

from sshknock.server.access import opened
from sshknock.server.reconcile import agree

_PATIENCE_S = 30.0


def run(arguments: Sequence[str]) -> int:  # noqa: ARG001  the command takes none
    """Build the table as the books say; raises SshknockError."""
    with opened(_PATIENCE_S) as (config, store):
        agree(store, config, "boot")
    return 0
