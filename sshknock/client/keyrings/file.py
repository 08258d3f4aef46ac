"""The file keyring: a private file a text, for machines without a keyring of their own."""

from __future__ import annotations

import os
from pathlib import Path

from sshknock.client import paths
from sshknock.errors import BadInput, SystemFault
from sshknock.system.files import sync_folder, write_private

_LONGEST = 1 << 20
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


def keyring_folder() -> Path:
    """Return the folder of all services."""
    return paths.state_dir() / "keyring"


class FileStore:
    """The texts of one service, each in ``folder/service/name.json`` with mode 0600."""

    def __init__(self, folder: Path, service: str) -> None:
        self._folder = folder
        self._service = folder / _file_name(service)

    def get(self, name: str) -> str | None:
        """Return the text, or None. Raises BadInput when others could read the file."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(_LONGEST + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SystemFault(f"cannot read {path}: {error.strerror}") from error
        if mode & 0o077:
            raise BadInput(f"others can read {path}", f"chmod 600 {path}; then make a new pairing")
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"{path} is no text") from error

    def set(self, name: str, text: str) -> None:
        """Write the text; whole and on the disk when this returns."""
        if not self._service.is_dir():
            paths.private_folder(self._folder)
            paths.private_folder(self._service)
        write_private(self._path(name), text.encode())

    def delete(self, name: str) -> None:
        """Remove the text's file, where there is one, and every copy of it."""
        path = self._path(name)
        if not self._service.is_dir():
            return
        try:
            # Beside it, what a killed write left behind holds the secret as well.
            for leftover in (*self._service.glob(f".{path.name}.*"), path):
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise SystemFault(f"cannot remove {path}: {error.strerror}") from error
        sync_folder(self._service)

    def _path(self, name: str) -> Path:
        return self._service / f"{_file_name(name)}.json"


def _file_name(text: str) -> str:
    """Return a file name for any text, the same for no other: ``%`` and hex digits where needed."""
    shown = [c if c in _PLAIN else "".join(f"%{b:02x}" for b in c.encode()) for c in text]
    return "".join(shown) or "%"
