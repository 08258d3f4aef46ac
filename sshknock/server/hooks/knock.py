"""``knock TICKET ADDRESS``: knockd's command, after its transaction in the kernel succeeded.

It is a wake-up and no more: what was used, and by whom, is read from the kernel.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from sshknock.errors import BadInput, UsageError
from sshknock.server.hooks import background

_TICKET = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_ADDRESS_LONGEST = 45
_MARKS = 2**32
_NICENESS = 10  # the login that comes right now goes first


def run(arguments: Sequence[str]) -> int:
    """Check what was given, and reconcile in the background."""
    check(arguments)
    if background.detach():
        background.end_after()
        os.nice(_NICENESS)
        from sshknock.server.hooks.reconciling import reconcile_soon  # noqa: PLC0415  in background

        reconcile_soon("knock")
    return 0


def check(arguments: Sequence[str]) -> None:
    """Refuse everything but a ticket and an address; raises BadInput or UsageError."""
    from sshknock.protocol.names import parse_address  # noqa: PLC0415  costs more than the rest

    try:
        ticket, address = arguments
    except ValueError:
        raise UsageError("knock takes a ticket and an address") from None
    if not _TICKET.fullmatch(ticket) or int(ticket) >= _MARKS:
        raise BadInput("knock: that is no ticket")
    if len(address) > _ADDRESS_LONGEST:
        raise BadInput("knock: that is no address")
    parse_address(address)
