"""Hosts in network namespaces with real knockd, nft, sshd and ssh.

The one API of tests, demo and benchmarks.  Start reading at `Lab`.
"""

from tests.lab.client import Client
from tests.lab.host import Completed, Host, Process
from tests.lab.install import Installation
from tests.lab.lab import Lab
from tests.lab.line import CLEAN, DISTANT, LOSSY, REORDERING, Line, Tally
from tests.lab.link import Link
from tests.lab.packets import Knock, Packet, knocks
from tests.lab.server import Server
from tests.lab.waiting import eventually, never
from tests.lab.wire import Capture, Shadow, Station

__all__ = [
    "CLEAN",
    "DISTANT",
    "LOSSY",
    "REORDERING",
    "Capture",
    "Client",
    "Completed",
    "Host",
    "Installation",
    "Knock",
    "Lab",
    "Line",
    "Link",
    "Packet",
    "Process",
    "Server",
    "Shadow",
    "Station",
    "Tally",
    "eventually",
    "knocks",
    "never",
]
