"""Carrying bytes between ssh's two pipes and the connection.

Each direction is a pump with one buffer: it reads only when the buffer is empty and writes only
what the other side takes, so a slow reader slows the writer and nothing grows. Each direction ends
by itself: the end of the input is passed on as the end of the output. Nothing here waits inside a
read or a write, and an idle relay does not wake up.
"""

from __future__ import annotations

import fcntl
import os
import select
import socket
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from sshknock.errors import one_line

BUFFER_BYTES = 256 * 1024
PIPE_BYTES = 1024 * 1024
DRAIN_S = 0.2
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
_F_SETPIPE_SZ = 1031  # <linux/fcntl.h>; Python names it from 3.10 on, and only on Linux

Tap = Callable[[memoryview], None]


class _Pump:
    """One direction. ``source`` is read into the buffer, the buffer is written to ``sink``."""

    def __init__(self, source: int, sink: int) -> None:
        self.source = source
        self.sink = sink
        self.ended = False  # the source has no more
        self._space = memoryview(bytearray(BUFFER_BYTES))
        self._waiting = self._space[:0]

    def load(self, data: bytes) -> None:
        """Let this be written first, as if it had just been read."""
        self._waiting = memoryview(data)

    @property
    def reads(self) -> bool:
        """Tell whether the source should be read: it has more, and there is room."""
        return not self.ended and not self._waiting

    @property
    def writes(self) -> bool:
        """Tell whether something waits for the sink."""
        return len(self._waiting) > 0

    @property
    def done(self) -> bool:
        """Tell whether everything was passed on."""
        return self.ended and not self._waiting

    def fill(self) -> memoryview:
        """Read what is there; an error ends the source like its end does."""
        try:
            count = os.readv(self.source, [self._space])
        except BlockingIOError:
            return self._space[:0]
        except OSError:
            count = 0
        self.ended = count == 0
        self._waiting = self._space[:count]
        return self._waiting

    def flush(self) -> None:
        """Write what the sink takes; a sink that is gone ends the direction."""
        try:
            written = os.write(self.sink, self._waiting)
        except BlockingIOError:
            return
        except OSError:
            self.ended = True
            written = len(self._waiting)
        self._waiting = self._waiting[written:]


class Relay:
    """Between ``source`` and ``sink``, ssh's pipes, and a connection.

    It ends at once when ``wake_fd`` is readable.
    ``tap`` is shown everything that comes from the server, until it is set to None. ``said`` is
    what ssh has said so far; what it said to an earlier connection, which came to nothing, is said
    again to this one.
    """

    def __init__(
        self,
        connection: socket.socket,
        *,
        source: int,
        sink: int,
        wake_fd: int,
        tap: Tap | None,
        said: bytes = b"",
    ) -> None:
        connection.setblocking(False)
        for option in (
            (socket.IPPROTO_TCP, socket.TCP_NODELAY),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        ):
            connection.setsockopt(*option, 1)
        self._blocking = {fd: os.get_blocking(fd) for fd in (source, sink) if _is_stream(fd)}
        for descriptor in self._blocking:
            _prepare_stream(descriptor)
        self.tap = tap
        self._connection = connection
        self._wake_fd = wake_fd
        self._up = _Pump(source, connection.fileno())
        self._down = _Pump(connection.fileno(), sink)
        self._up.load(said)
        self.said = bytearray(said)
        self._listening = False
        self._gone = False  # ssh no longer reads, or wants the end
        self._shut_up = self._shut_down = False

    @property
    def finished(self) -> bool:
        """Tell whether there is nothing left to carry."""
        return self._gone or (self._up.done and self._down.done)

    @property
    def server_ended(self) -> bool:
        """Tell whether the server has said all that it had to say."""
        return self._down.ended

    def run(self, *, until: Callable[[], bool] | None = None, limit_s: float | None = None) -> None:
        """Carry bytes until the relay is finished, ``until`` is true or ``limit_s`` is over.

        With ``until`` the beginning is at stake: what ssh says is kept in ``said``, and the
        server's end is not passed on yet, for there may be another connection.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        self._listening = until is not None
        while True:
            self._pass_on_ends()
            if self.finished or (until is not None and until()):
                return
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            self._handle(self._poll(None if left is None else left * 1000))

    def drain(self) -> None:
        """Give what ssh wrote last, its farewell to the server, a moment to get out."""
        end = time.monotonic() + DRAIN_S
        up = self._up
        while not up.done:
            left = end - time.monotonic()
            if left <= 0:
                return
            poll = select.poll()
            if up.reads:
                poll.register(up.source, select.POLLIN)
            else:
                poll.register(up.sink, select.POLLOUT)
            if not poll.poll(left * 1000):
                return
            if up.reads:
                up.fill()
            if up.writes:
                up.flush()

    def release(self) -> None:
        """Give ssh's ends back as they came: others may share them."""
        for descriptor, blocking in self._blocking.items():
            with suppress(OSError):
                os.set_blocking(descriptor, blocking)
        self._blocking.clear()

    def _poll(self, timeout_ms: float | None) -> dict[int, int]:
        """Wait for what the pumps need; a descriptor that nobody needs is left out.

        Polling such a one would report its hang-up over and over. The exception is ssh's end of
        the output: its error is how a relay that only waits for the server learns that ssh is gone.
        """
        wanted = {self._wake_fd: select.POLLIN}
        if not self._shut_down:
            wanted[self._down.sink] = select.POLLOUT if self._down.writes else 0
        if self._up.reads:
            wanted[self._up.source] = select.POLLIN
        network = (select.POLLIN if self._down.reads else 0) | (
            select.POLLOUT if self._up.writes else 0
        )
        if network:
            wanted[self._connection.fileno()] = network
        poll = select.poll()
        for descriptor, events in wanted.items():
            poll.register(descriptor, events)
        return dict(poll.poll(timeout_ms))

    def _handle(self, events: dict[int, int]) -> None:
        up, down = self._up, self._down
        if self._wake_fd in events or events.get(down.sink, 0) & (select.POLLERR | select.POLLHUP):
            self._gone = True
            return
        if up.reads and events.get(up.source, 0) & _READABLE:
            data = up.fill()
            if self._listening:
                self.said += data
        if down.reads and events.get(down.source, 0) & _READABLE:
            data = down.fill()
            if self.tap is not None:
                self.tap(data)
        if up.writes:
            up.flush()
        if down.writes:
            down.flush()

    def _pass_on_ends(self) -> None:
        if self._up.done and not self._shut_up:
            self._shut_up = True
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
        if self._down.done and not self._shut_down and not self._listening:
            self._shut_down = True
            self._close_sink()

    def _close_sink(self) -> None:
        """Pass the server's end on to ssh, which may have one socket for both directions."""
        sink = self._down.sink
        if stat.S_ISSOCK(os.fstat(sink).st_mode):
            with suppress(OSError), socket.socket(fileno=os.dup(sink)) as both:
                both.shutdown(socket.SHUT_WR)
        if sink in self._blocking:
            os.set_blocking(sink, self._blocking.pop(sink))
        os.close(sink)


class Identification:
    """Looks for the server's identification line among what it says first (RFC 4253, 4.2).

    ``text`` is the line without its end once it was seen, and None before. It is the server's, so
    whatever is not printable ASCII is shown as ``?``.
    """

    LONGEST = 64 * 1024
    LONGEST_LINE = 255  # the RFC's limit

    def __init__(self) -> None:
        self.text: str | None = None
        self._line = b""
        self._seen = 0

    @property
    def over(self) -> bool:
        """Tell whether the line was found, or will not come any more."""
        return self.text is not None or self._seen > self.LONGEST

    def feed(self, data: memoryview) -> None:
        """Look at the next bytes."""
        if self.over:
            return
        self._seen += len(data)
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            if line.startswith(b"SSH-"):
                text = line.rstrip(b"\r")[: self.LONGEST_LINE].decode("ascii", "replace")
                self.text = one_line(text.replace("\ufffd", "?"))
                return


def _is_stream(descriptor: int) -> bool:
    """Tell whether this is a pipe or a socket, and not a file or a terminal."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _prepare_stream(descriptor: int) -> None:
    """Make it non-blocking, and roomy if it is a pipe."""
    os.set_blocking(descriptor, False)
    with suppress(OSError):  # above the user's limit, or a socket, or not Linux
        fcntl.fcntl(descriptor, _F_SETPIPE_SZ, PIPE_BYTES)
