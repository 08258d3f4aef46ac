"""How a ProxyCommand lives and ends under ssh.

ssh gives its helper two pipes and its own process group, and when it ends it sends one SIGHUP, in
any order with closing the pipes, and never waits. When ssh is killed there is no signal, only the
pipes' hang-up. A ^C at the terminal reaches the helper as well, and would take a shared connection
away from others. So: only HUP and TERM count, as events of a wake-up descriptor, and once the
connection stands the helper leaves the terminal.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

_ENDING = (signal.SIGHUP, signal.SIGTERM)
_IGNORED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)


class SshLink:
    """ssh, as its helper sees it: two pipes and a signal. A watch for ``connect``."""

    def __init__(self, *, source: int = 0, sink: int = 1) -> None:
        """Install the signal handlers; from here on ssh's end is an event, not a death."""
        self.source = source
        self.sink = sink
        self.wake_fd, writer = os.pipe()
        for descriptor in (self.wake_fd, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in _ENDING:
            signal.signal(number, lambda _number, _frame: None)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)

    def descriptors(self) -> tuple[tuple[int, int], ...]:
        """Return the wake-up descriptor, and ssh's pipes for their hang-up only."""
        return ((self.wake_fd, select.POLLIN), (self.source, 0), (self.sink, 0))

    def is_gone(self) -> bool:
        """Tell whether ssh has ended already."""
        poll = select.poll()
        for descriptor, events in self.descriptors():
            poll.register(descriptor, events)
        return bool(poll.poll(0))

    def leave_terminal(self) -> None:
        """Stop sharing ssh's session, standard error and folder.

        Otherwise ``x=$(ssh … 2>&1)`` and ``ssh -f`` would wait for this process to end as well.
        """
        os.chdir("/")
        with suppress(OSError):  # the leader of a process group cannot, when run by hand
            os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 2)
        os.close(null)
