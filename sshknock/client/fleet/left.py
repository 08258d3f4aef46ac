"""The servers that a run has not done yet, so that another run can do these and no others.

For a command that would do something anew each time it is run, as ``rotate`` does.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from sshknock.client import paths
from sshknock.errors import SystemFault
from sshknock.system.files import write_private


class Left:
    """The names of one command that are left; on the disk after each step, whoever is killed."""

    def __init__(self, command: str) -> None:
        self._file = paths.state_dir() / f"{command}-left"
        self._names: dict[str, None] = {}
        self._lock = threading.Lock()

    def read(self) -> list[str]:
        """Return what the last run has left; nothing where it left nothing."""
        try:
            return self._file.read_text().split()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise SystemFault(f"cannot read {self._file}: {error}") from error

    def begin(self, names: Iterable[str]) -> None:
        """Note what a run is to do; an earlier note is forgotten."""
        self._names = dict.fromkeys(names)
        self._write()

    def done(self, name: str) -> None:
        """Note that one is done; any thread may say so."""
        with self._lock:
            del self._names[name]
            self._write()

    def _write(self) -> None:
        if self._names:
            folder: Path = paths.private_folder(self._file.parent)
            write_private(folder / self._file.name, "\n".join(self._names).encode())
        else:
            self._file.unlink(missing_ok=True)
