"""The way to the settings and the books: under the server's lock, and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sshknock.server import paths, system_log
from sshknock.server.config import Config, load
from sshknock.server.store import Store
from sshknock.system.files import locked

PATIENCE_S = 60.0


@contextmanager
def opened(patience_s: float = PATIENCE_S) -> Iterator[tuple[Config, Store]]:
    """Give the settings and the books while the lock is held.

    The settings are read under the lock: an uninstall may have had it. Raises LockTimeout,
    NotSetUp, and what damaged files raise.
    """
    with locked(paths.LOCK_FILE, timeout_s=patience_s) as lock:
        config = load()
        store = Store(lock=lock, tell=system_log.tell)
        try:
            yield config, store
        finally:
            store.close()
