"""The kernel's list of TCP connections (proc_net_tcp), which nobody can spoof."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sshknock.protocol.addresses import Address

_LISTENING = "0A"  # TCP_LISTEN
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
        lines = _lines(name)
        found += [connection for connection in _parse(lines) if connection.local_port in wanted]
    return found


def ports_in_use() -> set[int]:
    """Return the ports, TCP and UDP alike, that some program of this host listens on."""
    ports = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for fields in map(str.split, _lines(name)):
            if fields[3] == _LISTENING or name.startswith("udp"):
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


def parse(table: str) -> list[Connection]:
    """Return the connections of a table as the kernel prints it."""
    return _parse(table.splitlines()[1:])


def _parse(lines: list[str]) -> list[Connection]:
    found = []
    for line in lines:
        fields = line.split()
        if fields[3] in _STANDING:
            local_port = int(fields[1].rpartition(":")[2], 16)
            address, _, port = fields[2].rpartition(":")
            found.append(Connection(local_port, _address(address), int(port, 16), int(fields[9])))
    return found


def _lines(name: str) -> list[str]:
    try:
        return Path(f"/proc/self/net/{name}").read_text().splitlines()[1:]
    except OSError:
        return []  # a kernel without IPv6


def _address(digits: str) -> Address:
    """Read an address as the kernel prints it: 32-bit words in the machine's byte order."""
    words = (int(digits[i : i + 8], 16) for i in range(0, len(digits), 8))
    packed = b"".join(socket.htonl(word).to_bytes(4, "big") for word in words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address
    return address
