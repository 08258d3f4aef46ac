"""What the kernel tells of this host's network interfaces."""

from __future__ import annotations

import ipaddress
import socket
import struct
from fcntl import ioctl
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.protocol.names import Address

_SIOCGIFADDR = 0x8915  # netdevice(7)
_GLOBAL_SCOPE = "00"
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


def ipv4_address(interface: str) -> Address | None:
    """Return the interface's first IPv4 address."""
    request = struct.pack("256s", interface.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            answer = ioctl(s.fileno(), _SIOCGIFADDR, request)
        except OSError:
            return None
    return ipaddress.IPv4Address(answer[20:24])


def global_ipv6_address(interface: str) -> Address | None:
    """Return the interface's first IPv6 address that others can reach."""
    for line in _lines("if_inet6"):
        digits, _, _, scope, _, name = line.split()
        if name == interface and scope == _GLOBAL_SCOPE:
            return ipaddress.IPv6Address(bytes.fromhex(digits))
    return None


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
