"""The file of the books: opened, brought up to date, and changed in transactions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.store import schema
from sshknock.server.store.records import Event


class Database:
    """The books as a file. Single values are kept here; what has a table of its own, beside it.

    ``lock`` is the descriptor of the server's lock, None for books that are opened without it: a
    program that carries out what the books plan inherits it, and so cannot outlive the lock.
    ``tell`` is given every line of the log when its transaction is over.
    """

    def __init__(
        self,
        path: Path = paths.STORE_FILE,
        *,
        lock: int | None = None,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        self._path = path
        self.lock = lock
        self._tell = tell
        self._to_tell: list[Event] = []
        try:
            if not path.exists():
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            with ExitStack() as on_failure:
                on_failure.callback(self._db.close)
                self._db.execute("PRAGMA synchronous = EXTRA")
                self._db.execute("PRAGMA foreign_keys = OFF")
                with self.transaction():
                    schema.bring_up_to_date(self._db, path)
                self._db.execute("PRAGMA foreign_keys = ON")
                on_failure.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise SystemFault(
                f"cannot open {path}: {error}",
                "the counters in it are what stops replays: restore the file, do not delete it",
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the changes inside all together or not at all; lasting when it returns."""
        self._to_tell.clear()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise SystemFault(
                f"cannot write {self._path}: {error}",
                "nothing was changed; is the disk full or read-only?",
            ) from error
        self._tell_all()

    def _tell_all(self) -> None:
        told, self._to_tell = self._to_tell, []
        if self._tell is not None:
            for event in told:
                self._tell(event)

    def meta(self, key: str) -> str | None:
        """Return a single value, None when it was never set."""
        rows = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
        return rows[0][0] if rows else None

    def set_meta(self, key: str, value: str | None) -> None:
        """Set a single value; None removes it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
