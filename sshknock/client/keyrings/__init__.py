"""Keyrings: where the secret and the counters of a pairing are kept.

A pairing's state is one text under the service ``sshknock`` and the pairing's name, in the system's
keyring or in a private file. Which one was settled at enrolment, so a run of ssh looks for nothing.
"""

from __future__ import annotations

from typing import Protocol

from sshknock.client.config import FILE_KEYRING

SERVICE = "sshknock"
KINDS = ("system", "file")
"""What people call them."""

LINUX_DESKTOP = "keyring.backends.SecretService:Keyring"

_KNOWN = {
    LINUX_DESKTOP: "the desktop's (Secret Service)",
    "keyring.backends.kwallet:DBusKeyring": "KWallet",
    "keyring.backends.macOS:Keyring": "the macOS Keychain",
}


class Keyring(Protocol):
    """What the client asks of a keyring; every method may raise KeyringUnavailable."""

    def get(self, name: str) -> str | None:
        """Return the text kept under a pairing's name, or None."""

    def set(self, name: str, text: str) -> None:
        """Keep a text under a pairing's name; when this returns it is safe on the disk."""

    def delete(self, name: str) -> None:
        """Forget the text; one that is not there is no error."""


def open_keyring(recorded: str) -> Keyring:
    """Return the keyring that was recorded at enrolment: ``file`` or ``module:Class``."""
    if recorded == FILE_KEYRING:
        from sshknock.client.keyrings.file import FileStore, keyring_folder  # noqa: PLC0415

        return FileStore(keyring_folder(), SERVICE)
    if recorded == LINUX_DESKTOP:
        from sshknock.client.keyrings import secret_service  # noqa: PLC0415

        if secret_service.is_plain():
            return secret_service.SecretService(SERVICE)
    from sshknock.client.keyrings.system import SystemKeyring  # noqa: PLC0415

    return SystemKeyring(recorded, SERVICE)


def described(recorded: str) -> str:
    """Return what a person calls a keyring."""
    if recorded == FILE_KEYRING:
        return "a private file"
    return _KNOWN.get(recorded, recorded)
