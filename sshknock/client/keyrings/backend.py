"""The file keyring as a backend of the keyring library, so that ``keyring`` itself can use it.

Its priority is below that of "no keyring at all": the library takes it when it is asked for by
name, and never puts the passwords of other programs into plain files by itself.
"""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from sshknock.client.keyrings.file import FileStore, keyring_folder


class FileKeyring(KeyringBackend):
    """Private files under the user's state folder."""

    priority = -1

    def get_password(self, service: str, username: str) -> str | None:
        """Return the text kept for a user of a service."""
        return FileStore(keyring_folder(), service).get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a text for a user of a service."""
        FileStore(keyring_folder(), service).set(username, password)

    def delete_password(self, service: str, username: str) -> None:
        """Forget the text; raise PasswordDeleteError when there is none."""
        store = FileStore(keyring_folder(), service)
        if store.get(username) is None:
            raise PasswordDeleteError("there is no such password")
        store.delete(username)
