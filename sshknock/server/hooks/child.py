"""A child of the supervisor: a hook that runs, what it said, and how it ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sshknock.errors import one_line
from sshknock.server.hooks import background

LIMIT_S = 60.0
_LONGEST = 65536  # what a pipe holds


@dataclass(frozen=True, slots=True)
class Result:
    """The exit code (negative: a signal), and what ``hook.py reconcile`` printed.

    ``due_s`` is when it wants to run again, ``watch`` the daemons to look after, ``complaint`` the
    first line of anything else.
    """

    code: int
    due_s: float | None
    watch: tuple[int, ...]
    complaint: str


class Child:
    """A process that was started and not yet waited for; raises OSError when it cannot start."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._output, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            os.set_blocking(write, True)
            self._pid = os.posix_spawn(
                argv[0],
                list(argv),
                background.ENVIRONMENT,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, write, 1),
                    (os.POSIX_SPAWN_DUP2, write, 2),
                ],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
            )
        except OSError:
            os.close(self._output)
            raise
        finally:
            os.close(write)
        self._code: int | None = None
        self.deadline = time.monotonic() + LIMIT_S

    def ended(self) -> bool:
        """Tell whether it is over, without waiting; end it by force when its time is up."""
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= self.deadline:
                os.kill(self._pid, signal.SIGKILL)
                self.deadline += 1  # until then it is gone, and SIGCHLD tells
        return self._code is not None

    def abandon(self) -> None:
        """Let it finish by itself."""
        os.close(self._output)

    def result(self) -> Result:
        """Return how it ended; to be asked once, after its end."""
        text = b""
        with suppress(BlockingIOError):  # a daemon that it started may hold the other end
            while len(text) < _LONGEST and (part := os.read(self._output, _LONGEST)):
                text += part
        os.close(self._output)
        due_s: float | None = None
        watch: list[int] = []
        complaint = ""
        for line in text.decode(errors="replace").splitlines():
            word, _, value = line.partition(" ")
            try:
                if word == "due":
                    due_s = max(0.0, float(value))
                elif word == "watch":
                    watch.append(int(value))
                else:
                    raise ValueError  # noqa: TRY301  not a line of ours
            except ValueError:
                complaint = complaint or one_line(line)
        return Result(self._code or 0, due_s, tuple(watch), complaint)
