"""The emulator's process: `python -m tests.lab.forwarder LEFT RIGHT SEED`.

Carries frames between two interfaces as the line says.  It begins with a clean line; each line of
standard input is a new one, and is answered by the tally of the one before.  It ends with its
standard input.
"""

from __future__ import annotations

import heapq
import math
import os
import select
import socket
import statistics
import sys
import time
from random import Random

from tests.lab.line import CLEAN, Line, Tally

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_IGNORE_OUTGOING = 23
FRAME_BYTES = 65536
BUFFER_BYTES = 4 << 20
BEFORE_OTHERS = -15
"""The nice value: what the emulator is late, the line seems to be long."""


class Forwarder:
    """Two interfaces, and the frames that are between them."""

    def __init__(self, left: str, right: str, seed: int) -> None:
        ends = (_open(left), _open(right))
        self._by_number = {ends[0].fileno(): ends, ends[1].fileno(): ends[::-1]}
        self._dice = Random(seed)
        self._under_way: list[tuple[float, int, socket.socket, bytes]] = []
        self._line = CLEAN
        self._serial = 0
        self._forget()

    def run(self) -> None:
        """Carry frames until standard input ends."""
        while True:
            due = self._under_way[0][0] if self._under_way else math.inf
            # select(2) counts in microseconds, poll and epoll in milliseconds.
            wait_s = None if due == math.inf else max(0.0, due - time.monotonic())
            ready, _, _ = select.select([sys.stdin.fileno(), *self._by_number], [], [], wait_s)
            for number in ready:
                if number in self._by_number:
                    self._take_in(*self._by_number[number])
                elif not self._obey():
                    return
            self._send_due()

    def _take_in(self, end: socket.socket, other: socket.socket) -> None:
        while True:
            try:
                frame = end.recv(FRAME_BYTES)
            except BlockingIOError:
                return
            now = time.monotonic()
            arrivals = self._line.arrivals(self._dice)
            self._sent += 1
            self._lost += not arrivals
            self._doubled += len(arrivals) > 1
            for delay_s in arrivals:
                self._serial += 1
                heapq.heappush(self._under_way, (now + delay_s, self._serial, other, frame))

    def _send_due(self) -> None:
        while self._under_way and self._under_way[0][0] <= (now := time.monotonic()):
            due, _, end, frame = heapq.heappop(self._under_way)
            end.send(frame)
            self._late_s.append(now - due)

    def _obey(self) -> bool:
        """Take the next line; frames keep their times, but for those that were held back."""
        text = sys.stdin.readline()
        if not text:
            return False
        tally = Tally(
            self._sent,
            self._lost,
            self._doubled,
            statistics.median(self._late_s or [0]),
            max(self._late_s, default=0),
        )
        self._line = Line.decode(text)
        if not self._line.held:
            self._release()
        self._forget()
        sys.stdout.write(tally.encode() + "\n")
        sys.stdout.flush()
        return True

    def _release(self) -> None:
        """Let go of what was held back, in the order in which it came."""
        now = time.monotonic()
        self._under_way = [
            (now if due == math.inf else due, serial, end, frame)
            for due, serial, end, frame in self._under_way
        ]
        heapq.heapify(self._under_way)

    def _forget(self) -> None:
        self._sent = self._lost = self._doubled = 0
        self._late_s: list[float] = []


def _open(interface: str) -> socket.socket:
    """Open an end: a raw socket that sees what arrives there, not what it sends itself."""
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        end.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    end.bind((interface, ETH_P_ALL))
    end.setblocking(False)
    return end


def main() -> None:
    """Say that it is ready, and forward."""
    left, right, seed = sys.argv[1:]
    os.nice(BEFORE_OTHERS)
    forwarder = Forwarder(left, right, int(seed))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    forwarder.run()


if __name__ == "__main__":
    main()
