"""Folders that belong to a running process and are removed after it, also when it was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path


class OwnedFolder:
    """A fresh folder `<parent>/<prefix><random>`, mode 0755, locked until this process ends.

    Making one first removes what dead processes left under the same prefix: folders whose lock is
    free.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        remove_stale(parent, prefix)
        # Not under its name before it is locked: a second process would take it for a dead one's.
        fresh = Path(tempfile.mkdtemp(prefix="." + prefix, dir=parent))
        fresh.chmod(0o755)
        self._lock = os.open(fresh, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = fresh.rename(parent / fresh.name[1:])

    def remove(self) -> None:
        """Delete the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def keep(self) -> Path:
        """Take the folder out of the reach of `remove_stale`; whoever asked for it removes it."""
        kept = self.path.rename(self.path.parent / f"kept-{self.path.name}")
        os.close(self._lock)
        return kept


def remove_stale(parent: Path, prefix: str) -> None:
    """Delete the folders of processes that are dead."""
    for folder in parent.glob(prefix + "*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
