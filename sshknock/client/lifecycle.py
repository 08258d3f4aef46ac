"""How a ProxyCommand lives and ends under ssh.

ssh gives its helper two pipes and its own process group, and when it ends it sends one SIGHUP, in
any order with closing the pipes, and never waits. When ssh is killed there is no signal, only the
pipes' hang-up. A ^C at the terminal reaches the helper as well, and would take a shared connection
away from others. So: only HUP and TERM count. Until something may have been sent they simply end
the process, whatever it waits for; from then on they are events of a wake-up descriptor, and once
the connection stands the helper leaves the terminal.
"""

from __future__ import annotations

import os
import select
import signal
import stat
from contextlib import suppress

from sshknock.client.connect import Abandoned

_ENDING = (signal.SIGHUP, signal.SIGTERM)
_IGNORED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)


class SshLink:
    """ssh, as its helper sees it: two pipes and a signal. A watch for ``connect``."""

    def __init__(self, *, source: int = 0, sink: int = 1) -> None:
        """Ignore what the terminal sends to the whole process group."""
        self.source = source
        self.sink = sink
        _hold_standard_error()
        self.wake_fd, self._waker = os.pipe()
        for descriptor in (self.wake_fd, self._waker):
            os.set_blocking(descriptor, False)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)

    def outlive(self) -> None:
        """From here on ssh's end is an event, not a death: there may be a door to close."""
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in _ENDING:
            signal.signal(number, lambda _number, _frame: None)

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Return the wake-up descriptor, and ssh's pipes for their hang-up only."""
        return ((self.wake_fd, select.POLLIN), (self.source, 0), (self.sink, 0))

    def is_gone(self, within_s: float = 0) -> bool:
        """Tell whether ssh has ended, or does so within some seconds."""
        poll = select.poll()
        for descriptor, events in self.descriptors():
            poll.register(descriptor, events)
        return bool(poll.poll(within_s * 1000))

    def pause(self, seconds: float) -> None:
        """Let time pass; raise Abandoned as soon as ssh has ended."""
        if self.is_gone(seconds):
            raise Abandoned

    def leave_terminal(self) -> None:
        """Stop sharing ssh's session, standard error and folder.

        Otherwise ``x=$(ssh ... 2>&1)`` and ``ssh -f`` would wait for this process to end as well.
        """
        os.chdir("/")
        with suppress(OSError):  # the leader of a process group cannot, when run by hand
            os.setsid()
        if not _has_own_standard_error():
            self.leave_standard_error()

    def leave_standard_error(self) -> None:
        """Have nobody wait for standard error any more; what is written there is lost."""
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)
        os.close(null)


def _has_own_standard_error() -> bool:
    """Tell whether standard error is a pipe that our parent has made for us.

    ssh's helper shares ssh's own. asyncssh makes a pipe, and takes its end for the connection's.
    """
    try:
        parents = os.stat(f"/proc/{os.getppid()}/fd/2")  # noqa: PTH116  in the hot path
    except OSError:  # it has none, or this is a system without /proc
        return False
    ours = os.fstat(2)
    return stat.S_ISFIFO(ours.st_mode) and not os.path.samestat(ours, parents)


def _hold_standard_error() -> None:
    """Where 2 is closed, keep it from becoming the number of a pipe or of the connection."""
    try:
        os.fstat(2)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != 2:  # noqa: PLR2004
            os.dup2(null, 2)
            os.close(null)
