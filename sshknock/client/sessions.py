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

_UNLOCKED = "."


@contextmanager
def running(name: str) -> Iterator[None]:
    """Count as a session of this pairing while the context lasts, if that can be noted down."""
    claimed: tuple[Path, int] | None = None
    with suppress(OSError, SystemFault):  # a count is no reason to end a login
        claimed = _claim(name)
    try:
        yield
    finally:
        if claimed is not None:
            path, descriptor = claimed
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
    return sum(_is_alive(path) for path in files if not path.name.startswith(_UNLOCKED))


def _claim(name: str) -> tuple[Path, int]:
    """Make a locked file; it takes the name that is counted only once it is locked.

    The process's number is for whoever looks; a home may be shared by machines and containers, so
    it is no name.
    """
    folder = paths.private_folder(paths.state_dir()) / "sessions"
    folder = paths.private_folder(paths.private_folder(folder) / name)
    path = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
    unlocked = path.with_name(f"{_UNLOCKED}{path.name}")
    descriptor = os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unlocked.rename(path)
    except OSError:
        os.close(descriptor)
        with suppress(OSError):
            unlocked.unlink()
        raise
    return path, descriptor


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
