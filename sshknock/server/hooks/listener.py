"""The socket on which a user's session says "here I am", and root looks for itself.

Nothing is read from it. The kernel names the process that connected; from there the way up leads to
its sshd, and to that one's connection. Saying it ten thousand times makes us look no more often
than is allowed.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sshknock.server.hooks.peer import Peer, find_peer

_BACKLOG = 64
_AT_ONCE = 64
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_BURST = 20.0
_PER_SECOND = 10.0
_USERS = 1024


class Allowance:
    """How often a user may ask: a bucket each that fills with time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, uid: int) -> bool:
        """Take one from a user's bucket; False when it is empty."""
        now = self._clock()
        level, then = self._buckets.get(uid, (_BURST, now))
        level = min(_BURST, level + (now - then) * _PER_SECOND)
        if len(self._buckets) >= _USERS and uid not in self._buckets:
            self._buckets.clear()  # forgetting is kind to the users and cheap for us
        self._buckets[uid] = (max(0.0, level - 1), now) if level >= 1 else (level, now)
        return level >= 1


class Listener:
    """The listening socket: everybody may connect, nobody is believed."""

    def __init__(
        self,
        path: Path,
        *,
        find: Callable[[int], Peer | None] = find_peer,
        allowance: Allowance | None = None,
    ) -> None:
        self._path = path
        self._find = find
        self._allowance = allowance or Allowance()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        with suppress(FileNotFoundError):
            path.unlink()  # of a supervisor that was killed; we hold the lock, there is no other
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._socket.listen(_BACKLOG)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def announced(self) -> set[Peer]:
        """Return the sessions of those who have connected since, without waiting."""
        found = set()
        for _ in range(_AT_ONCE):
            try:
                channel, _ = self._socket.accept()
            except OSError:
                break  # nobody left, or no descriptor for him
            with channel:  # hanging up is the answer
                pid, uid, _ = _CREDENTIALS.unpack(
                    channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
                )
                peer = self._find(pid) if self._allowance.take(uid) else None
                if peer is not None:
                    found.add(peer)
        return found

    def close(self) -> None:
        """Stop listening and take the name away."""
        self._socket.close()
        with suppress(OSError):
            os.unlink(self._path)  # noqa: PTH108
