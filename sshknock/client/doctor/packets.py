"""Packets whose fate is looked at: one plain connection, and trains that listen.

A login closes the socket of a knock at once; what comes back, it does not need. Here the sockets
stay open for a second, because much can be told from it: a closed port of a host that is reached
answers with a reset or with "port unreachable", a UDP packet that this machine's own firewall drops
is an error of sendto, and of each SYN the kernel knows whether it could send it again.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from dataclasses import dataclass
from enum import Enum
from types import TracebackType

from sshknock.client.connect import NoWatch, connect
from sshknock.client.knock import NothingSent
from sshknock.client.manual import read_identification
from sshknock.client.route import Route
from sshknock.protocol.knocks import Knock, Sequence, Transport

PLAIN_S = 3.5
"""How long to wait for a plain connection: a neighbour that is off is given up after 3 s."""

LISTEN_S = 1.3
"""How long to listen after a train: the kernel sends a SYN again after 1 s."""

_TCP_INFO = struct.Struct("8B24I")  # the beginning of Linux's struct tcp_info
_STATE, _RETRANS, _TOTAL_RETRANS = 0, 15, 31  # places in it
_SYN_SENT = 2
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


_TCP = Transport.TCP
_FROM_THE_HOST = (Answer.OPEN, Answer.REFUSED)


@dataclass(frozen=True, slots=True)
class Plain:
    """What a connection without any knock found.

    ``dropped_here`` tells that this machine kept a SYN back, ``error`` is the system's word.
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
    outcome = connect(route, NoWatch(), limit_s=PLAIN_S, patient=False)
    if outcome.connection is not None:
        with outcome.connection as connection:
            return Plain(Answer.OPEN, read_identification(connection))
    if outcome.refused:
        return Plain(Answer.REFUSED)
    if outcome.error is None:
        return Plain(Answer.SILENT, dropped_here=_is_kept_back(route))
    return Plain(_answer(outcome.error.errno), error=outcome.error.strerror or "")


def _is_kept_back(route: Route) -> bool:
    """Tell whether this machine drops the SYNs to the route's port, by sending one more."""
    knock = Knock(route.port, Transport.TCP)
    try:
        with ListeningTrain(route, (knock,), pacing_s=0, flush=False) as train:
            time.sleep(LISTEN_S)
            return train.heard().tcp_dropped_here
    except NothingSent:
        return False


class ListeningTrain:
    """One train whose sockets stay open until the context ends.

    Raises NothingSent when there is no socket for the first packet; without one for a later packet
    the train is like one that lost it on the way.
    """

    def __init__(self, route: Route, sequence: Sequence, *, pacing_s: float, flush: bool) -> None:
        self._route = route
        self._knocks = (sequence[-1], *sequence) if flush else sequence
        self._pacing_s = pacing_s
        self._sent: list[_Packet] = []

    def __enter__(self) -> ListeningTrain:  # noqa: PYI034  Self is of 3.11
        for i, knock in enumerate(self._knocks):
            if i:
                time.sleep(self._pacing_s)
            try:
                self._sent.append(_Packet(self._route, knock))
            except OSError as error:  # as when our address went away
                if not self._sent:
                    raise NothingSent(error) from error
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
        """Return what came back until now; to be asked once, for the kernel tells it once.

        A second after the last knock the kernel has sent, or tried to send, every SYN again.
        """
        fates = [(packet.transport, packet.fate()) for packet in self._sent]
        tcp = [fate for transport, fate in fates if transport is _TCP]
        udp = [fate for transport, fate in fates if transport is Transport.UDP]
        kept = [packet.is_kept_back() for packet in self._sent if packet.transport is _TCP]
        return Heard(
            tcp=len(tcp),
            tcp_answered=sum(fate in _FROM_THE_HOST for fate in tcp),
            tcp_dropped_here=bool(kept) and all(kept),
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

    def is_kept_back(self) -> bool:
        """Tell whether this machine dropped the SYN when it was to be sent again.

        Linux alone tells, of every socket by itself. A neighbour who is not there is another thing:
        then the packet waits, and does not count as sent again.
        """
        if sys.platform != "linux":
            return False
        told = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        info: tuple[int, ...] = _TCP_INFO.unpack(told)
        return info[_STATE] == _SYN_SENT and info[_TOTAL_RETRANS] > 0 and info[_RETRANS] == 0

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
