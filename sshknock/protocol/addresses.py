"""IP addresses from outside, strictly read."""

from __future__ import annotations

import ipaddress
import re

from sshknock.errors import BadInput
from sshknock.protocol.names import shown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_ZONE = re.compile(r"[A-Za-z0-9._-]{1,15}", re.ASCII)


def parse_address(text: str) -> Address:
    """Return an IPv4 or IPv6 address without a zone; a mapped address becomes plain IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadInput(f"{shown(text)} is no address") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise BadInput(f"{shown(text)} has a zone; addresses are written without one")
        return address.ipv4_mapped or address
    return address


def canonical(text: str) -> str | None:
    """Return an address as it is always written, its zone kept; None for what is no address."""
    address, percent, zone = text.partition("%")
    if percent and not _ZONE.fullmatch(zone):
        return None
    try:
        return f"{ipaddress.ip_address(address)}{percent}{zone}"
    except ValueError:
        return None
