"""Networks that are always admitted: read strictly, and as the kernel keeps them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from sshknock.errors import BadInput
from sshknock.protocol.addresses import Address, parse_address
from sshknock.protocol.names import shown

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Range = tuple[Address, Address]
"""The first and the last address of an interval."""

_SPACES: tuple[Network, ...] = (
    ipaddress.IPv4Network("0.0.0.0/0"),
    ipaddress.IPv6Network("::/0"),
    ipaddress.IPv6Network("2000::/3"),  # the whole of today's IPv6 internet
)
_OWN_AT_MOST = {4: 8, 6: 16}
_HINT = "'sshknock-server unhide' shows the port"


def parse_network(text: str) -> Network:
    """Return the network of ``10.0.0.0/8``, or of a single address; raise BadInput."""
    if "/" not in text:
        return ipaddress.ip_network(parse_address(text))
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadInput(f"{shown(text)} is no network", "as 10.0.0.0/8 or fd00::/8") from None
    if isinstance(network, ipaddress.IPv6Network):
        if network.network_address.scope_id is not None:
            raise BadInput(f"{shown(text)} has a zone; networks are written without one")
        if network.network_address.ipv4_mapped is not None:
            raise BadInput(f"{shown(text)} is a network of IPv4: write it as one")
    if ipaddress.ip_address(text.partition("/")[0]) != network.network_address:
        raise BadInput(f"{shown(text)} has bits beyond its prefix", f"{network} is meant?")
    return network


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return networks in order, each address in one of them only; raise BadInput.

    Together they must not be half of a family's addresses or more: that would hide next to nothing.
    """
    networks = [parse_network(text) for text in texts]
    merged: list[Network] = [
        *ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv4Network)),
        *ipaddress.collapse_addresses(n for n in networks if isinstance(n, ipaddress.IPv6Network)),
    ]
    for network in merged:
        if network.prefixlen == 0:
            raise BadInput(
                f"{network} is everybody: the port would not be hidden at all",
                _HINT,
            )
    for space in _SPACES:
        covered = sum(_common(network, space) for network in merged)
        if covered * 2 >= space.num_addresses:
            raise BadInput(
                f"that is {covered * 100 // space.num_addresses} % of all addresses in {space}:"
                " the port would hardly be hidden",
                _HINT,
            )
    return tuple(merged)


def is_wide(network: Network) -> bool:
    """Tell whether a network is larger than anybody's own is likely to be."""
    return network.prefixlen < _OWN_AT_MOST[network.version]


def _common(network: Network, space: Network) -> int:
    """Return how many addresses two networks have in common: one holds the other, or none."""
    if not network.overlaps(space):
        return 0
    return min(network.num_addresses, space.num_addresses)


def contain(networks: Iterable[Network], address: Address) -> bool:
    """Tell whether an address is in one of the networks."""
    return any(address in network for network in networks)


def ranges(networks: Iterable[Network]) -> frozenset[Range]:
    """Return networks as the intervals that the kernel makes of them: neighbours are one."""
    found: list[tuple[Address, Address]] = []
    for network in networks:  # in order, as parse_networks gives them
        if found:
            first, last = found[-1]
            if last.version == network.version and int(last) + 1 == int(network.network_address):
                found[-1] = (first, network.broadcast_address)
                continue
        found.append((network.network_address, network.broadcast_address))
    return frozenset(found)
