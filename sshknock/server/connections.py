"""The kernel's list of TCP connections (proc_net_tcp), which nobody can spoof."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sshknock.protocol.names import Address

_STANDING = {"01", "03"}  # TCP_ESTABLISHED, and TCP_SYN_RECV: on its way to that


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to a port of this host, and the inode of its socket (0 until it stands)."""

    local_port: int
    peer_address: Address
    peer_port: int
    inode: int


def connected_to(local_ports: Iterable[int]) -> list[Connection]:
    """Return the connections to these ports, in the network that this process lives in."""
    wanted = frozenset(local_ports)
    found = []
    for name in ("tcp", "tcp6"):
        try:
            table = Path(f"/proc/self/net/{name}").read_text()
        except OSError:
            continue  # a kernel without IPv6
        found += [connection for connection in parse(table) if connection.local_port in wanted]
    return found


def parse(table: str) -> list[Connection]:
    """Return the connections of a table as the kernel prints it."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if fields[3] in _STANDING:
            local_port = int(fields[1].rpartition(":")[2], 16)
            address, _, port = fields[2].rpartition(":")
            found.append(Connection(local_port, _address(address), int(port, 16), int(fields[9])))
    return found


def _address(digits: str) -> Address:
    """Read an address as the kernel prints it: 32-bit words in the machine's byte order."""
    words = (int(digits[i : i + 8], 16) for i in range(0, len(digits), 8))
    packed = b"".join(socket.htonl(word).to_bytes(4, "big") for word in words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address
