"""The socket of the sessions: everybody may knock on it, and nobody can make it do anything."""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from sshknock.server.hooks.forcecommand import tell_root
from sshknock.server.hooks.listener import Allowance, Listener
from sshknock.server.hooks.peer import Peer


@dataclass
class Finder:
    """Stands for the look at the process table, and counts."""

    asked: list[int] = field(default_factory=list)
    peer: Peer | None = None

    def __call__(self, pid: int) -> Peer | None:
        """Note that it was asked for."""
        self.asked.append(pid)
        return self.peer


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


@dataclass
class Bench:
    """A listener on a socket of the test."""

    path: Path
    finder: Finder
    clock: Clock
    listener: Listener

    def connect(self) -> socket.socket:
        """Connect as a user's process would."""
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(5)
        channel.connect(str(self.path))
        return channel


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A listener that is up."""
    finder, clock, path = Finder(), Clock(), tmp_path / "hook.sock"
    path.write_text("left by a supervisor that was killed")
    listener = Listener(path, find=finder, allowance=Allowance(clock))
    yield Bench(path, finder, clock, listener)
    listener.close()


def test_everybody_may_connect(bench: Bench) -> None:
    """The socket replaces what was left there, and its mode is 0666."""
    status = bench.path.stat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o666


def test_the_kernel_says_who_it_is(bench: Bench) -> None:
    """What is sent is not read; the process that connected is looked at, and then hung up on."""
    bench.finder.peer = Peer("192.0.2.1", 40000, 22, 1234, 99)
    with bench.connect() as channel:
        channel.send(b"203.0.113.9 1 1\n" * 1000)
        assert bench.listener.announced() == {bench.finder.peer}
        assert bench.finder.asked == [os.getpid()]
        with pytest.raises(ConnectionError):  # a reset: there was something that nobody read
            channel.recv(1)


def test_twice_is_once(bench: Bench) -> None:
    """A session that announces itself with every channel is one session."""
    bench.finder.peer = Peer("192.0.2.1", 40000, 22, 1234, 99)
    with bench.connect(), bench.connect():
        assert bench.listener.announced() == {bench.finder.peer}


def test_hammering_is_cheap(bench: Bench) -> None:
    """A thousand connections make us look twenty times; with time the user may ask again."""
    for _ in range(1000):
        bench.connect().close()
        bench.listener.announced()
    assert len(bench.finder.asked) == 20
    bench.clock.now += 1
    for _ in range(100):
        bench.connect().close()
        bench.listener.announced()
    assert len(bench.finder.asked) == 30


def test_one_user_does_not_use_up_anothers_allowance() -> None:
    """The bucket is the user's own; a flood of users is forgotten, not refused."""
    allowance = Allowance(Clock())
    while allowance.take(1000):
        pass
    assert allowance.take(1001)
    assert all(allowance.take(uid) for uid in range(2000, 5000))


def test_a_stranger_is_nothing(bench: Bench) -> None:
    """A process without an sshd above it announces no session."""
    with bench.connect():
        assert bench.listener.announced() == set()
    assert bench.listener.announced() == set()


def test_a_login_does_not_wait_for_a_supervisor_that_hangs(bench: Bench) -> None:
    """Nobody accepts: the user waits no longer than the patience, with a full queue not at all."""
    waited = _time(partial(tell_root, bench.path, patience_s=0.05))
    assert 0.04 < waited < 2
    channels = []
    while True:
        channel = socket.socket(socket.AF_UNIX)
        channel.setblocking(False)
        channels.append(channel)
        try:
            channel.connect(str(bench.path))
        except BlockingIOError:
            break
    assert _time(partial(tell_root, bench.path, patience_s=30)) < 5
    for channel in channels:
        channel.close()


def test_a_login_does_not_wait_where_there_is_no_supervisor(tmp_path: Path) -> None:
    """No socket, a file in its place, a socket that nobody listens on: the session begins."""
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        for name in ("missing", "file", "deaf"):
            assert _time(partial(tell_root, tmp_path / name, patience_s=30)) < 5


def _time(action: Callable[[], None]) -> float:
    before = time.monotonic()
    action()
    return time.monotonic() - before
