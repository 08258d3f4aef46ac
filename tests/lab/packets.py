"""Packets as values: read out of Ethernet frames, and frames made from nothing.  No I/O."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Knock = tuple[int, str]
"""A port and "tcp" or "udp", as `sshknock derive --json` writes them."""

IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP = 6, 17
TRANSPORTS = {"tcp": TCP, "udp": UDP}
FLAGS = "FSRPAUEC"
"""TCP's flags by their letters, lowest bit first."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One TCP or UDP packet as it passed an interface; `time` is the kernel's, in Unix seconds."""

    time: float
    source: str
    source_port: int
    destination: str
    port: int
    transport: str
    flags: str = ""

    @property
    def bare_syn(self) -> bool:
        """Whether it asks for a new connection."""
        return self.transport == "tcp" and "S" in self.flags and not set("AFR") & set(self.flags)

    @property
    def knock(self) -> Knock:
        """The packet as a knock."""
        return self.port, self.transport


def knocks(packets: Iterable[Packet], *, hidden: int = 22) -> list[Packet]:
    """Pick what can be a knock: bare SYNs and datagrams, those to the hidden port left out."""
    return [
        packet
        for packet in packets
        if (packet.bare_syn or packet.transport == "udp") and packet.port != hidden
    ]


def parse_frame(frame: bytes, time: float) -> Packet | None:
    """Read the TCP or UDP packet of a frame; None for all else (ARP, ICMP, extension headers)."""
    if len(frame) < 34:
        return None
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind == IPV4:
        protocol = frame[23]
        payload = frame[14 + (frame[14] & 15) * 4 :]
        source, destination = frame[26:30], frame[30:34]
    elif kind == IPV6 and len(frame) >= 54:
        protocol = frame[20]
        payload = frame[54:]
        source, destination = frame[22:38], frame[38:54]
    else:
        return None
    if protocol not in (TCP, UDP) or len(payload) < 8:
        return None
    source_port, port = struct.unpack_from("!HH", payload)
    flags = ""
    if protocol == TCP and len(payload) >= 14:
        flags = "".join(letter for bit, letter in enumerate(FLAGS) if payload[13] >> bit & 1)
    return Packet(
        time,
        str(ipaddress.ip_address(source)),
        source_port,
        str(ipaddress.ip_address(destination)),
        port,
        "tcp" if protocol == TCP else "udp",
        flags,
    )


def knock_frames(
    ports: Iterable[int],
    transport: str,
    *,
    macs: tuple[str, str],
    addresses: tuple[str, str],
    source_port: int,
) -> Iterator[bytes]:
    """Make a frame with a bare SYN or an empty datagram for each port.

    `macs` and `addresses` are (source, destination).  Only the port and the checksum differ from
    frame to frame, so that all 65535 of a sweep are made in a moment.
    """
    source, destination = (ipaddress.ip_address(address) for address in addresses)
    protocol = TRANSPORTS[transport]
    if protocol == TCP:
        sequence_number = 0x5EED0000 | source_port
        rest = struct.pack("!IIBBH", sequence_number, 0, 5 << 4, 0x02, 64240)
        size, after = 20, b"\0\0"
    else:
        rest = struct.pack("!H", 8)
        size, after = 8, b""
    pseudo = source.packed + destination.packed + struct.pack("!HH", protocol, size)
    fixed = _sum16(pseudo + struct.pack("!H", source_port) + rest)
    ethernet = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in reversed(macs))
    head = (
        ethernet + _ip_header(source, destination, protocol, size) + struct.pack("!H", source_port)
    )
    for port in ports:
        checksum = _fold(fixed + port) ^ 0xFFFF
        yield head + struct.pack("!H", port) + rest + struct.pack("!H", checksum or 0xFFFF) + after


def _ip_header(
    source: ipaddress.IPv4Address | ipaddress.IPv6Address,
    destination: ipaddress.IPv4Address | ipaddress.IPv6Address,
    protocol: int,
    size: int,
) -> bytes:
    """The EtherType and the IP header for `size` bytes of payload."""
    if source.version == 6:
        head = struct.pack("!HIHBB", IPV6, 6 << 28, size, protocol, 64)
        return head + source.packed + destination.packed
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + size, 0, 0x4000, 64, protocol)
    checksum = _fold(_sum16(head + source.packed + destination.packed)) ^ 0xFFFF
    ends = source.packed + destination.packed
    return struct.pack("!H", IPV4) + head + struct.pack("!H", checksum) + ends


def _sum16(data: bytes) -> int:
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def _fold(total: int) -> int:
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
