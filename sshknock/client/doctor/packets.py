"""Packets whose fate is looked at: one plain connection, and trains that listen.

A login closes the socket of a knock at once; what comes back, it does not need. Here the sockets
stay open for a second, because much can be told from it: a closed port of a host that is reached
answers with a reset or with "port unreachable", a packet that this machine's own firewall drops is
an error of sendto, and the kernel counts the SYNs that it could not send again.
"""

from __future__ import annotations

import errno
import socket
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType

from sshknock.client.connect import NoWatch, connect
from sshknock.client.manual import read_identification
from sshknock.client.route import Route
from sshknock.protocol.knocks import Knock, Sequence, Transport

PLAIN_S = 3.5
"""How long to wait for a plain connection: a neighbour that is off is given up after 3 s."""

LISTEN_S = 1.3
"""How long to listen after a train: the kernel sends a SYN again after 1 s."""

_TIMES_AGAIN = 2  # how often the kernel sends a SYN again meanwhile
_COUNTERS = Path("/proc/self/net/netstat")
_UNREACHABLE = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EACCES}
)


class Answer(Enum):
    """What came back for a packet."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    FORBIDDEN = "forbidden"


_FROM_THE_HOST = (Answer.OPEN, Answer.REFUSED)


@dataclass(frozen=True, slots=True)
class Plain:
    """What a connection without any knock found.

    ``dropped_here`` tells that this machine could not send a SYN, ``error`` is the system's word.
    """

    answer: Answer
    identification: str | None = None
    dropped_here: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """How many knocks were sent, answered, and kept back by this machine, of either protocol."""

    tcp: int = 0
    tcp_answered: int = 0
    tcp_dropped_here: bool = False
    udp: int = 0
    udp_answered: int = 0
    udp_forbidden: int = 0

    def __add__(self, other: Heard) -> Heard:
        return Heard(
            self.tcp + other.tcp,
            self.tcp_answered + other.tcp_answered,
            self.tcp_dropped_here or other.tcp_dropped_here,
            self.udp + other.udp,
            self.udp_answered + other.udp_answered,
            self.udp_forbidden + other.udp_forbidden,
        )

    @property
    def answered(self) -> int:
        """How many knocks of either protocol something answered."""
        return self.tcp_answered + self.udp_answered

    @property
    def left(self) -> int:
        """How many knocks left this machine, as far as it says."""
        return self.tcp + self.udp - self.udp_forbidden


def look_plainly(route: Route) -> Plain:
    """Connect without any knock."""
    before = _failed_again()
    outcome = connect(route, NoWatch(), limit_s=PLAIN_S, patient=False)
    if outcome.connection is not None:
        with outcome.connection as connection:
            return Plain(Answer.OPEN, read_identification(connection))
    if outcome.refused:
        return Plain(Answer.REFUSED)
    if outcome.error is None:
        return Plain(Answer.SILENT, dropped_here=_failed_again() >= before + _TIMES_AGAIN)
    return Plain(_answer(outcome.error.errno), error=outcome.error.strerror or "")


class ListeningTrain:
    """One train whose sockets stay open until the context ends."""

    def __init__(self, route: Route, sequence: Sequence, *, pacing_s: float, flush: bool) -> None:
        self._route = route
        self._knocks = (sequence[-1], *sequence) if flush else sequence
        self._pacing_s = pacing_s
        self._sent: list[_Packet] = []

    def __enter__(self) -> ListeningTrain:  # noqa: PYI034  Self is of 3.11
        self._before = _failed_again()
        for i, knock in enumerate(self._knocks):
            if i:
                time.sleep(self._pacing_s)
            self._sent.append(_Packet(self._route, knock))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for packet in self._sent:
            packet.socket.close()

    def heard(self) -> Heard:
        """Return what came back until now; to be asked once, for the kernel tells it once."""
        fates = [(packet.transport, packet.fate()) for packet in self._sent]
        tcp = [fate for transport, fate in fates if transport is Transport.TCP]
        udp = [fate for transport, fate in fates if transport is Transport.UDP]
        # The counter is the whole machine's: only as many failures as there are silent knocks tell.
        silent, failed = tcp.count(Answer.SILENT), _failed_again() - self._before
        return Heard(
            tcp=len(tcp),
            tcp_answered=sum(fate in _FROM_THE_HOST for fate in tcp),
            tcp_dropped_here=silent == len(tcp) <= failed and silent > 0,
            udp=len(udp),
            udp_answered=sum(fate in _FROM_THE_HOST for fate in udp),
            udp_forbidden=udp.count(Answer.FORBIDDEN),
        )


class _Packet:
    """A knock and the socket that it left by."""

    def __init__(self, route: Route, knock: Knock) -> None:
        self.transport = knock.transport
        udp = knock.transport is Transport.UDP
        self.socket = route.socket(socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        self._code = self.socket.connect_ex(route.to_port(knock.port))
        if udp and not self._code:
            try:
                self.socket.send(b"\0")
            except OSError as error:
                self._code = error.errno or 0

    def fate(self) -> Answer:
        """Return what came back."""
        code = self._code
        if code in (0, errno.EINPROGRESS):
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code or self.transport is Transport.UDP:
            return _answer(code)
        try:
            self.socket.getpeername()
        except OSError:  # still on its way
            return Answer.SILENT
        return Answer.OPEN


def _answer(code: int | None) -> Answer:
    if code == errno.ECONNREFUSED:
        return Answer.REFUSED
    if code == errno.EPERM:
        return Answer.FORBIDDEN
    return Answer.UNREACHABLE if code in _UNREACHABLE else Answer.SILENT


def _failed_again() -> int:
    """Return how many segments the kernel could not send again; 0 where it does not tell."""
    try:
        lines = _COUNTERS.read_text().splitlines()
    except OSError:
        return 0
    names, values = (line.split() for line in lines if line.startswith("TcpExt:"))
    return int(dict(zip(names, values, strict=True)).get("TCPRetransFail", "0"))
