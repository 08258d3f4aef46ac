"""The sessions that run, counted by the locks that their processes hold.

A session is a small file with a lock on it. The kernel gives the lock back when the process ends,
however it ends, so a session that crashed is not counted.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sshknock.client import paths
from sshknock.errors import SystemFault


@contextmanager
def running(name: str) -> Iterator[None]:
    """Count as a session of this pairing while the context lasts."""
    folder = paths.private_folder(paths.state_dir()) / "sessions"
    folder = paths.private_folder(paths.private_folder(folder) / name)
    path = folder / str(os.getpid())
    descriptor = _claim(path)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(descriptor)


def count(name: str) -> int:
    """Return how many sessions of a pairing run now; files of dead ones are removed."""
    folder = paths.state_dir() / "sessions" / name
    try:
        files = list(folder.iterdir())
    except OSError:
        return 0
    return sum(_is_alive(path) for path in files)


def _claim(path: Path) -> int:
    """Make the file and lock it; a count that removes it in between is met by making it again."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise SystemFault(f"cannot write {path}: {error.strerror}") from error
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _is_alive(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # the lock is held: its process lives
        return True
    else:
        return False
    finally:
        os.close(descriptor)
