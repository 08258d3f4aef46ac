"""A child of the supervisor: a hook that runs, what it said, and how it ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sshknock.errors import EXIT_DONE, EXIT_FAILED, SshknockError, one_line
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
    """A process that was started and not yet waited for.

    ``start`` begins it, with the descriptor that it is to write to, and returns its pid.
    """

    def __init__(self, start: Callable[[int], int]) -> None:
        self._output, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            os.set_blocking(write, True)
            self._pid = start(write)
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


def spawn(argv: Sequence[str]) -> Child:
    """Start a program; raises OSError when it cannot start."""

    def start(write: int) -> int:
        return os.posix_spawn(
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

    return Child(start)


def fork(work: Callable[[], str]) -> Child:
    """Do work in a copy of this process, which prints what it returns; raises OSError."""

    def start(write: int) -> int:
        pid = os.fork()
        if pid == 0:
            os._exit(_work(work, write))
        return pid

    return Child(start)


def _work(work: Callable[[], str], write: int) -> int:
    """Be the copy; return its exit code. It keeps no signal setting of the original's."""
    try:
        signal.set_wakeup_fd(-1)
        background.reset_signals()
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        for descriptor, standard in ((null, 0), (write, 1), (write, 2)):
            os.dup2(descriptor, standard)
        os.write(1, work().encode())
    except SshknockError as error:
        os.write(write, f"sshknock: {one_line(error.message)}\n".encode())
        return error.exit_code
    except BaseException as error:  # noqa: BLE001  never go on as a second supervisor
        os.write(write, f"sshknock: {type(error).__name__}: {error}\n".encode())
        return EXIT_FAILED
    return EXIT_DONE
