"""What the kernel tells of this host's network interfaces."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.protocol.addresses import Address, parse_address
from sshknock.system.processes import program, run

_ROUTE_UP = 0x1
_ANY_V4 = "00000000"
_ANY_V6 = "0" * 32


def default_interface() -> str:
    """Return the interface of the default route, IPv4's before IPv6's; raise SystemFault."""
    routes = [line.split() for line in _lines("route")[1:]]
    candidates = [
        (int(fields[6]), fields[0])
        for fields in routes
        if fields[1] == _ANY_V4 and int(fields[3], 16) & _ROUTE_UP
    ]
    if not candidates:
        candidates = [
            (int(fields[5], 16), fields[9])
            for fields in (line.split() for line in _lines("ipv6_route"))
            if fields[0] == _ANY_V6 and fields[1] == "00" and fields[9] != "lo"
        ]
    if not candidates:
        raise SystemFault(
            "no network interface found: there is no default route",
            "name the interface that clients come in by: --interface eth0",
        )
    return min(candidates)[1]


def exists(interface: str) -> bool:
    """Tell whether there is such an interface."""
    return any(name == interface for _, name in socket.if_nameindex())


def addresses(interface: str) -> tuple[Address, ...]:
    """Return the interface's addresses, IPv4 first; none when there is no such interface."""
    done = run([str(program("ip", "iproute2")), "-json", "address", "show", "dev", interface])
    if done.returncode:
        return ()
    try:
        found = [
            parse_address(entry["local"])
            for link in json.loads(done.stdout)
            for entry in link.get("addr_info", ())
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemFault(f"ip tells of {interface} what we do not understand: {error}") from error
    return tuple(sorted(found, key=lambda address: (address.version, int(address))))


def reachable(found: tuple[Address, ...]) -> list[Address]:
    """Return the addresses that hosts beyond the link can reach, in the same order."""
    return [address for address in found if not address.is_link_local]


def hardware_address(interface: str) -> bytes:
    """Return the interface's link-layer address; six zero bytes where it has none."""
    try:
        text = Path(f"/sys/class/net/{interface}/address").read_text().strip()
        return bytes.fromhex(text.replace(":", "")) or bytes(6)
    except (OSError, ValueError):
        return bytes(6)


def _lines(name: str) -> list[str]:
    try:
        return Path(f"/proc/self/net/{name}").read_text().splitlines()
    except OSError:
        return []
