"""``watch [--detach]``: one supervisor a machine, under systemd or started by ourselves."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import syslog  # noqa: F401  background.note needs it, also when an upgrade has taken it away
import time
from collections.abc import Sequence
from pathlib import Path

from sshknock.errors import SystemFault, UsageError
from sshknock.server import paths
from sshknock.server.hooks import background
from sshknock.server.hooks.detach import detach
from sshknock.server.hooks.supervisor import Supervisor
from sshknock.system import processes

_PATIENCE_S = 10.0
_POLL_S = 0.01
_LOCK_MODE = 0o600  # who can read it can lock it, and keep the supervisor from starting


def run(arguments: Sequence[str]) -> int:
    """Supervise until SIGTERM; with ``--detach`` in the background, and return at once."""
    if list(arguments) == ["--detach"]:
        if not detach():
            return 0
    elif arguments:
        raise UsageError("watch takes no argument but --detach", "sshknock-hook --help")
    paths.RUN.mkdir(mode=0o755, exist_ok=True)
    paths.RUN.chmod(0o755)  # whatever the umask was: users reach the socket in it
    lock = claim(paths.WATCH_PID)
    supervisor = Supervisor(paths.HOOK_SOCKET)
    try:
        supervisor.run()
    finally:
        supervisor.close()
        os.ftruncate(lock, 0)
        os.close(lock)
    return 0


def claim(pid_file: Path) -> int:
    """Become the only supervisor; return the locked descriptor of the pid file.

    Raises SystemFault when there is one already.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(pid_file, flags, _LOCK_MODE)
    except OSError as error:
        raise SystemFault(f"cannot open {pid_file}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise SystemFault("the supervisor runs already", f"its pid is in {pid_file}") from None
    os.fchmod(lock, _LOCK_MODE)
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    return lock


def running_pid() -> int | None:
    """Return the supervisor's pid, None when none runs: the lock says so, not the number."""
    try:
        descriptor = os.open(paths.WATCH_PID, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.pread(descriptor, 32, 0).strip()
        return int(number) if number.isdigit() else None
    else:
        return None
    finally:
        os.close(descriptor)


def ensure_running() -> int:
    """Have a supervisor run, and return its pid; raises SystemFault when it does not come up."""
    if running_pid() is None:
        done = processes.run(background.hook_argv("watch", "--detach"))
        if done.returncode:
            raise SystemFault(f"the supervisor does not start: {done.stderr.strip()}")
    return await_running()


def await_running() -> int:
    """Return the pid of a supervisor that is starting; raises SystemFault when it does not."""
    deadline = time.monotonic() + _PATIENCE_S
    pid = running_pid()
    while pid is None or not paths.HOOK_SOCKET.is_socket():
        if time.monotonic() > deadline:
            raise SystemFault("the supervisor does not start", "try: sshknock-hook watch")
        time.sleep(_POLL_S)
        pid = running_pid()
    return pid


def restart() -> None:
    """Have a supervisor run that is the program of now; raises SystemFault."""
    stop()
    ensure_running()


def stop() -> None:
    """End the supervisor and wait for it; knockd is not touched. Raises SystemFault."""
    pid = running_pid()
    if pid is None:
        return
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if running_pid() != pid:  # it had ended, and the number was given again
            return
        signal.pidfd_send_signal(process, signal.SIGTERM)
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if not poll.poll(_PATIENCE_S * 1000):
            raise SystemFault(f"the supervisor does not end (pid {pid})", f"kill -9 {pid}")
    finally:
        os.close(process)
