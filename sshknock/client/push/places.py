"""Where the file can be: in a folder of this machine, or on the server.

knockd has the file open, and marks the lines as it uses them. It reads what is appended; of a file
that took the place of another it would know nothing. So a new list is a new file, whole at once,
and more of it is appended.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sshknock.errors import SystemFault
from sshknock.system.files import sync_folder

FILE_NAME = "sequences"


class Place(Protocol):
    """A file of sequences; ``str`` says where it is. What fails is a SshknockError."""

    def read(self) -> bytes | None:
        """Return what is in the file, None when there is none."""

    def write(self, data: bytes) -> None:
        """Make a new file of mode 0600, whole or not at all; the owner stays who it was."""

    def append(self, data: bytes, at: int) -> None:
        """Add to the file, which is ``at`` bytes long, or leave it as it is."""

    def is_in_use(self) -> bool | None:
        """Tell whether knockd.conf names the file; None where that cannot be seen."""

    def has_knockd(self) -> bool | None:
        """Tell whether a knockd runs there; None where that cannot be seen."""


class LocalFile:
    """A file here: on a stick, or on a file system that is really the server's."""

    def __init__(self, path: Path) -> None:
        self.path = path / FILE_NAME if path.is_dir() else path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes | None:
        """Return what is in the file, None when there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SystemFault(f"cannot read {self}: {error.strerror}") from error

    def write(self, data: bytes) -> None:
        """Make a new file; on a stick whose file system knows no modes it is as private as that."""
        new = self.path.with_name(f".{self.path.name}.{os.urandom(8).hex()}")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                _write_all(descriptor, data)
                _belong_as(descriptor, self.path)
            finally:
                os.close(descriptor)
            new.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                new.unlink()
            raise self._cannot_write(error) from error
        sync_folder(self.path.parent)

    def append(self, data: bytes, at: int) -> None:
        """Add to the file, if it still is as long as it was when it was read."""
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                if os.fstat(descriptor).st_size != at:
                    raise SystemFault(
                        f"{self} has just been changed by somebody else", "nothing was carried"
                    )
                _write_all(descriptor, data)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise self._cannot_write(error) from error

    def is_in_use(self) -> None:
        """Tell nothing: it may be on a stick."""

    def has_knockd(self) -> None:
        """Tell nothing."""

    def _cannot_write(self, error: OSError) -> SystemFault:
        hint = f"is the folder {self.path.parent} there, and may you write to it?"
        return SystemFault(f"cannot write {self}: {error.strerror}", hint)


def _belong_as(descriptor: int, path: Path) -> None:
    """Give a new file to the owner of the one whose place it takes."""
    if not path.exists():
        return
    before, now = path.stat(), os.fstat(descriptor)
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        os.chown(descriptor, before.st_uid, before.st_gid)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write, in one piece where the file system lets us, and let it reach the disk."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)
