"""The lab on the wire: captures, raw trains, sweeps, an eavesdropper who repeats what he sees."""

from __future__ import annotations

import heapq
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import final

from tests.lab.namespaces import Namespaces
from tests.lab.packets import Knock, Packet, knock_frames, knocks, parse_frame

INTERFACE = "eth0"
ETH_P_ALL = 3
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
BUFFER_BYTES = 128 << 20
"""Room for a sweep of all ports that arrives while nobody reads."""


def packet_socket(namespaces: Namespaces, *, listen: bool) -> socket.socket:
    """Open a raw socket on a host's interface; one that does not listen costs nothing a packet."""
    with namespaces.network():
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if listen:
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.bind((INTERFACE, ETH_P_ALL if listen else 0))
    return opened


@final
class Capture:
    """Every TCP and UDP packet that passes a host's interface, both ways, while the context lasts.

    with server.capture() as capture:
        ...
    capture.packets
    """

    def __init__(
        self, namespaces: Namespaces, *, on_packet: Callable[[Packet], None] | None = None
    ) -> None:
        self.packets: list[Packet] = []
        self._on_packet = on_packet
        self._socket = packet_socket(namespaces, listen=True)
        self._stop, self._stopping = socket.socketpair()
        self._thread = threading.Thread(target=self._read, name="capture", daemon=True)

    def knocks(self, source: str | None = None) -> list[Packet]:
        """What can be a knock, from one address or from all."""
        seen = list(self.packets)
        return knocks(packet for packet in seen if source is None or packet.source == source)

    def __enter__(self) -> Capture:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.close()
        self._thread.join(timeout=10)
        self._stopping.close()
        self._socket.close()

    def _read(self) -> None:
        self._socket.setblocking(False)
        while True:
            ready, _, _ = select.select([self._socket, self._stopping], [], [])
            if self._socket in ready:
                self._drain()
            elif ready:  # asked to stop, and all that had arrived is read
                return

    def _drain(self) -> None:
        while True:
            try:
                frame, ancillary, _, _ = self._socket.recvmsg(128, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("ll", ancillary[0][2])
            packet = parse_frame(frame, seconds + nanoseconds / 1e9)
            if packet is not None:
                self.packets.append(packet)
                if self._on_packet:
                    self._on_packet(packet)


class Station:
    """Raw sending from one host to another, past the kernel's sockets: nothing is sent twice."""

    def __init__(
        self, namespaces: Namespaces, macs: tuple[str, str], addresses: tuple[str, str]
    ) -> None:
        """`macs` and `addresses` are (own, target's)."""
        self._macs, self._addresses = macs, addresses
        self._socket = packet_socket(namespaces, listen=False)

    def send(self, train: Iterable[Knock], *, gap_s: float = 0, source_port: int = 40000) -> None:
        """The knocks in order, `gap_s` seconds apart."""
        frames = [self._frames([port], kind, source_port) for port, kind in train]
        due = time.monotonic()
        for (frame,) in frames:
            _sleep_until(due)
            self._socket.send(frame)
            due += gap_s

    def sweep(self, ports: Sequence[int], transport: str, *, source_port: int = 40001) -> None:
        """One packet to each port in the given order, as fast as this machine can."""
        for frame in self._frames(ports, transport, source_port):
            self._socket.send(frame)

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def _frames(self, ports: Sequence[int], transport: str, source_port: int) -> list[bytes]:
        return list(
            knock_frames(
                ports,
                transport,
                macs=self._macs,
                addresses=self._addresses,
                source_port=source_port,
            )
        )


@final
class Shadow:
    """An eavesdropper on the server's wire: sends each knock of `victim` again, `delay_s` later.

    Attempts on the hidden port are repeated as well: one whose knocks were accepted would connect.
    """

    def __init__(self, listen: Namespaces, station: Station, victim: str, delay_s: float) -> None:
        self.repeated: list[Knock] = []
        self._station, self._victim, self._delay_s = station, victim, delay_s
        self._due: list[tuple[float, int, Knock]] = []
        self._changed = threading.Condition()
        self._done = False
        self._capture = Capture(listen, on_packet=self._saw)
        self._thread = threading.Thread(target=self._repeat, name="shadow", daemon=True)

    def __enter__(self) -> Shadow:
        self._thread.start()
        self._capture.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Everything that was seen has been repeated when this returns."""
        self._capture.__exit__(kind, error, traceback)
        with self._changed:
            self._done = True
            self._changed.notify()
        self._thread.join(timeout=10)

    def _saw(self, packet: Packet) -> None:
        if packet.source == self._victim and (packet.bare_syn or packet.transport == "udp"):
            with self._changed:
                due = time.monotonic() + self._delay_s
                heapq.heappush(self._due, (due, len(self._due), packet.knock))
                self._changed.notify()

    def _repeat(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._due or self._done)
                if not self._due:
                    return
                due, _, knock = heapq.heappop(self._due)
            _sleep_until(due)
            self._station.send([knock], source_port=40002)
            self.repeated.append(knock)


def _sleep_until(due: float) -> None:
    """Sleep, and spin for the last stretch: a scheduler's millisecond is a whole knock."""
    while (left := due - time.monotonic()) > 0:
        if left > 0.002:
            time.sleep(left - 0.001)
