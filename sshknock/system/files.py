"""Files that must be whole and private: one way to write them, one way to lock them."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sshknock.errors import SystemFault

_POLL_S = 0.02


class LockTimeout(SystemFault):
    """Another process held the lock for longer than we wait."""


def write_private(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file by new content, whole or not at all, and lasting.

    The new file has ``mode`` from its first moment, reaches the disk before it takes the name, and
    the folder reaches the disk after. Raises SystemFault; then the old file stands as it was.
    """
    # The tempfile module would do, but its imports cost every ssh some milliseconds.
    name = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)  # whatever the umask took away
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        name.replace(path)
    except OSError as error:
        with suppress(OSError):
            name.unlink()
        raise _cannot_write(path, error) from error
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder reach the disk; raise SystemFault when they cannot."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot, and say so
            raise _cannot_write(folder, error) from error
    finally:
        os.close(descriptor)


@contextmanager
def locked(
    path: Path, *, timeout_s: float | None = None, pause: Callable[[float], None] = time.sleep
) -> Iterator[int]:
    """Hold an exclusive lock on a file, which is made when it is missing; give its descriptor.

    ``timeout_s`` bounds the wait (None waits for ever, 0 does not wait); then LockTimeout is
    raised. ``pause`` passes the seconds between two tries; what it raises ends the wait.
    The kernel gives the lock back when the process ends, however it ends; but not before the end of
    the programs that inherited the descriptor.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SystemFault(f"cannot open the lock {path}: {error.strerror}") from error
    try:
        _lock(descriptor, path, timeout_s, pause)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(
    descriptor: int, path: Path, timeout_s: float | None, pause: Callable[[float], None]
) -> None:
    if timeout_s is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimeout(f"another process holds {path}") from None
            pause(_POLL_S)
        else:
            return


def _cannot_write(path: Path, error: OSError) -> SystemFault:
    return SystemFault(
        f"cannot write {path}: {error.strerror}", "nothing was changed; mend that and try again"
    )
