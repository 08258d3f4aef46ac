"""``knock TICKET ADDRESS``: knockd's command, after its transaction in the kernel succeeded.

It is a wake-up and no more: what was used, and by whom, is read from the kernel.
"""

from __future__ import annotations

import re

from sshknock.errors import BadInput, UsageError
from sshknock.server.hooks.detach import detach

_TICKET = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
_ADDRESS_LONGEST = 45
_MARKS = 2**32


def run(arguments: list[str]) -> int:
    """Check what was given, and reconcile in the background."""
    check(arguments)
    if detach():
        # Not before the caller was let go.
        from sshknock.server.hooks import background  # noqa: PLC0415
        from sshknock.server.hooks.reconciling import reconcile_soon  # noqa: PLC0415

        background.end_after()
        reconcile_soon("knock")
    return 0


def check(arguments: list[str]) -> None:
    """Refuse everything but a ticket and an address; raises BadInput or UsageError."""
    from sshknock.protocol.addresses import parse_address  # noqa: PLC0415  costs more than the rest

    try:
        ticket, address = arguments
    except ValueError:
        raise UsageError("knock takes a ticket and an address") from None
    if not _TICKET.fullmatch(ticket) or int(ticket) >= _MARKS:
        raise BadInput("knock: that is no ticket")
    if len(address) > _ADDRESS_LONGEST:
        raise BadInput("knock: that is no address")
    parse_address(address)
