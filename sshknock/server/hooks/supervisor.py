"""The supervisor's loop: what is watched, and the children that may be at work.

It reconciles every 15 s, when a knockd dies, when a session ends or announces itself, when our
table is deleted, and when the last reconcile asked for it. The work itself is done by a child: its
memory goes with it, it may fail or hang, and after an upgrade it is the new program. When an
upgrade went wrong and there is no program that starts, the child is a copy of this process: what is
in memory keeps the doors in step until somebody mends it.
"""

from __future__ import annotations

import os
import resource
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from sshknock.server import proc
from sshknock.server.hooks import background
from sshknock.server.hooks.child import Child, Result, fork, spawn
from sshknock.server.hooks.listener import Listener
from sshknock.server.hooks.peer import Peer
from sshknock.server.hooks.start_checks import StartChecks
from sshknock.server.hooks.table_events import TableEvents
from sshknock.server.hooks.telling import reconcile_and_tell

PERIOD_S = 15.0
PAUSE_S = 1.0  # between two reconciles: a daemon that dies at its start must not make us spin
_SESSIONS = 8192
_SESSIONS_A_CHILD = 200
_DESCRIPTORS = 16384


class Supervisor:
    """A loop over descriptors and times; make it, run it, close it."""

    def __init__(
        self,
        socket_path: Path,
        *,
        argv: Sequence[str] = (),
        period_s: float = PERIOD_S,
        pause_s: float = PAUSE_S,
        log: Callable[[str], None] = background.note,
        starts: StartChecks | None = None,
    ) -> None:
        self._argv = list(argv) or background.hook_argv()
        self._period_s = period_s
        self._pause_s = pause_s
        self._log = log
        self._starts = starts or StartChecks()
        self._said = ""
        self._selector = selectors.DefaultSelector()
        self._child: Child | None = None  # a reconcile
        self._entering: Child | None = None  # of new sessions
        self._reason: str | None = "start"
        self._due = self._earliest = time.monotonic()
        self._daemons: dict[int, int] = {}  # pid: descriptor
        self._sessions: dict[Peer, int | None] = {}  # with the descriptor of its end
        self._new_sessions: list[Peer] = []
        self._stopping = False
        _raise_limit()
        self._listener = Listener(socket_path)
        self._watch(self._listener.fileno(), self._hear)
        self._events = self._subscribe()
        self._wake, self._signalled = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._watch(self._wake, self._drain_signals)

    def run(self) -> None:
        """Loop until SIGTERM or SIGINT."""
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        for number, handler in (
            (signal.SIGTERM, self._stop),
            (signal.SIGINT, self._stop),
            (signal.SIGHUP, self._reload),
            (signal.SIGCHLD, lambda *_: None),
        ):
            signal.signal(number, handler)
        while not self._stopping:
            try:
                self._step()
            except Exception as error:  # noqa: BLE001  it must outlive whatever this was
                self._say(f"the supervisor: {type(error).__name__}: {error}")
                time.sleep(self._pause_s)

    def close(self) -> None:
        """Let go of everything; a child that is at work finishes by itself, knockd stays."""
        signal.set_wakeup_fd(-1)
        self._listener.close()
        if self._events is not None:
            self._events.close()
        self._selector.close()
        for descriptor in (self._wake, self._signalled, *self._daemons.values()):
            os.close(descriptor)
        for end in self._sessions.values():
            if end is not None:
                os.close(end)
        self._starts.close()
        for child in (self._child, self._entering):
            if child is not None:
                child.abandon()

    def _step(self) -> None:
        now = time.monotonic()
        if self._child is not None and self._child.ended():
            self._take_result(self._child)
        if self._entering is not None and self._entering.ended():
            self._complain(self._entering.result())
            self._entering = None
            self._want("session")
        if now >= self._due:
            self._want("timer")
        self._starts.step()
        if self._entering is None and self._new_sessions:
            self._enter_sessions()
        if self._child is None and self._reason is not None and now >= self._earliest:
            self._start(self._reason)
        for key, _ in self._selector.select(self._patience_s()):
            key.data()

    def _patience_s(self) -> float:
        times = [child.deadline for child in (self._child, self._entering) if child is not None]
        times.append(self._starts.deadline)
        if self._child is None:
            times.append(self._earliest if self._reason is not None else self._due)
        return max(0.0, min(times) - time.monotonic()) + 0.001

    def _want(self, reason: str) -> None:
        self._reason = self._reason or reason

    def _start(self, reason: str) -> None:
        now = time.monotonic()
        self._reason = None
        self._earliest = now + self._pause_s
        self._due = now + self._period_s
        if not self._starts.own_is_broken:
            self._child = self._spawn("reconcile", reason)
        if self._child is None:
            self._child = self._fork(reason)

    def _enter_sessions(self) -> None:
        """Do it at once and beside a reconcile: the next login from that address may be near."""
        peers = self._new_sessions[:_SESSIONS_A_CHILD]
        del self._new_sessions[:_SESSIONS_A_CHILD]
        self._entering = self._spawn("session", *(peer.argument() for peer in peers))

    def _spawn(self, *arguments: str) -> Child | None:
        try:
            return spawn([*self._argv, *arguments])
        except OSError as error:
            self._say(f"cannot start {self._argv[0]}: {error.strerror}")
            self._starts.hasten()
            return None

    def _fork(self, reason: str) -> Child | None:
        try:
            return fork(partial(reconcile_and_tell, reason))
        except OSError as error:
            self._say(f"cannot fork: {error.strerror}")
            return None

    def _take_result(self, child: Child) -> None:
        self._child = None
        self._drop_ended_sessions()
        result = child.result()
        if self._complain(result):
            return
        self._said = ""
        if result.due_s is not None:
            self._due = min(self._due, time.monotonic() + result.due_s)
        self._watch_daemons(result.watch)

    def _complain(self, result: Result) -> bool:
        if result.code != 0:
            self._say(result.complaint or f"the hook ended with {result.code}")
            self._starts.hasten()
        return result.code != 0

    def _say(self, message: str) -> None:
        if message != self._said:  # once, not every 15 s
            self._log(message)
        self._said = message

    def _watch_daemons(self, pids: Sequence[int]) -> None:
        for pid in self._daemons.keys() - set(pids):
            self._forget(self._daemons.pop(pid))
        for pid in set(pids) - self._daemons.keys():
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                self._want("daemon")
                continue
            except OSError:
                continue  # an old kernel: the timer sees it
            self._daemons[pid] = descriptor
            self._watch(descriptor, partial(self._daemon_ended, pid))

    def _daemon_ended(self, pid: int) -> None:
        self._forget(self._daemons.pop(pid))
        self._want("daemon")

    def _hear(self) -> None:
        for peer in self._listener.announced() - self._sessions.keys():
            if len(self._sessions) >= _SESSIONS:
                return
            end = None
            with suppress(OSError):  # an old kernel: the timer sees its end
                end = proc.handle(peer.sshd_pid, peer.sshd_started)
                if end is not None:
                    self._watch(end, partial(self._session_ended, peer))
            self._sessions[peer] = end
            self._new_sessions.append(peer)

    def _session_ended(self, peer: Peer) -> None:
        end = self._sessions.pop(peer)
        if end is not None:
            self._forget(end)
        self._want("end")

    def _drop_ended_sessions(self) -> None:
        # Those that were over at once, and all where the kernel has no descriptors of processes.
        for peer in [p for p, end in self._sessions.items() if end is None]:
            if proc.started(peer.sshd_pid) != peer.sshd_started:
                del self._sessions[peer]

    def _heed_table(self) -> None:
        if self._events is not None and self._events.table_was_deleted():
            self._want("table")

    def _subscribe(self) -> TableEvents | None:
        try:
            events = TableEvents()
        except OSError:
            return None  # the timer sees it
        self._watch(events.fileno(), self._heed_table)
        return events

    def _watch(self, descriptor: int, react: Callable[[], None]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, react)

    def _forget(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def _drain_signals(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _reload(self, *_: object) -> None:
        self._want("reload")
        self._starts.hasten()

    def _stop(self, *_: object) -> None:
        self._stopping = True


def _raise_limit() -> None:
    """Allow a descriptor for every session."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
