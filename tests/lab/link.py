"""A bad link in the lab: an emulator of ours in the cable of a host.

             host                           the bridge's namespace
        +-------------+        +-----------------------------------------------+
        |        eth0 +--------+ portN  <-- forwarder.py -->  lineN            |
        +-------------+        |                                |              |
                               |                          +-----+----+         |
                               |                          |  plugN   | br0 ... |
                               +-----------------------------------------------+

Nothing of it needs a kernel with netem.  The forwarder is a process of its own that loses, delays,
doubles and reorders whole frames, by dice with a seed.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from tests.lab.line import Line, Tally
from tests.lab.namespaces import Namespaces

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1F, 0x24
SEED = "SSHKNOCK_LAB_SEED"
"""The environment variable that makes the dice fall as in an earlier run."""


class Link:
    """An emulator between two interfaces of one namespace."""

    def __init__(self, namespaces: Namespaces, left: str, right: str) -> None:
        self.seed = int(os.environ.get(SEED) or int.from_bytes(os.urandom(4), "big"))
        # pytest shows it when the test fails.
        print(f"the line between {left} and {right} has {SEED}={self.seed}")
        program = ["-m", "tests.lab.forwarder", left, right, str(self.seed)]
        checkout = Path(__file__).parents[2]
        self._process = subprocess.Popen(
            namespaces.enter(["/usr/bin/env", f"--chdir={checkout}", sys.executable, *program]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd="/",
        )
        if self._answer() != "ready":
            raise RuntimeError("the emulator of a link did not start")

    def become(self, line: Line) -> Tally:
        """Change the line; what passed it since the change before."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + "\n")
        self._process.stdin.flush()
        return Tally.decode(self._answer())

    def close(self) -> None:
        """End the emulator; the link is cut."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def send_whole_packets(namespaces: Namespaces, interface: str) -> None:
    """Have the kernel finish what it sends: checksums filled in, nothing longer than the MTU.

    Between the ends of a veth it spares itself both, but a forwarder needs frames as a wire has
    them.
    """
    with namespaces.network():
        control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with control:
        for command in (ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM):
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(control, SIOCETHTOOL, request)
