"""The guard: an attempt that stays at the head of knockd's list for ever.

When the first entry of its list of attempts ends, knockd 0.8 forgets everybody's attempts: of two
honest users who knock at the same time, the second fails. So the first entry is made to be one
that never ends. It begins with one frame that we send out of the interface, to our own address
and from one that nobody can have (240.0.0.0/4 is reserved, RFC 1112; 100::/64 is for discarding,
RFC 6666): knockd also captures what goes out.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct

from sshknock.server import interfaces

_ETH_P_IP = 0x0800
_ETH_P_IPV6 = 0x86DD
_UDP_HEADER_BYTES = 8


def send(interface: str, port: int) -> bool:
    """Send the guard's frame; False when the interface has no address to send it to."""
    targets = interfaces.reachable(interfaces.addresses(interface))
    if not targets:
        return False
    target = targets[0]
    udp = struct.pack("!HHHH", 1024 + secrets.randbelow(60000), port, _UDP_HEADER_BYTES, 0)
    if isinstance(target, ipaddress.IPv4Address):
        ether_type, packet = _ETH_P_IP, _ipv4_header(target, len(udp)) + udp
    else:
        ether_type, packet = _ETH_P_IPV6, _ipv6_header(target, len(udp)) + udp
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as s:
        hardware = interfaces.hardware_address(interface)
        try:
            s.sendto(packet, (interface, ether_type, 0, 0, hardware))
        except OSError:
            return False
    return True


def _ipv4_header(target: ipaddress.IPv4Address, payload: int) -> bytes:
    source = (0xF0000000 | secrets.randbits(27)).to_bytes(4, "big")
    words = struct.pack("!BBHHHBBH", 0x45, 0, 20 + payload, 0, 0, 1, socket.IPPROTO_UDP, 0)
    header = words + source + target.packed
    return header[:10] + struct.pack("!H", _checksum(header)) + header[12:]


def _ipv6_header(target: ipaddress.IPv6Address, payload: int) -> bytes:
    source = b"\x01" + bytes(7) + secrets.token_bytes(8)
    return struct.pack("!IHBB", 6 << 28, payload, socket.IPPROTO_UDP, 1) + source + target.packed


def _checksum(header: bytes) -> int:
    """Return the internet checksum (RFC 1071) of a header of even length."""
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
