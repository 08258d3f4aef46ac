"""The Secret Service (GNOME's keyring, KeePassXC, KWallet) by D-Bus, without the keyring library.

These are the very items that the library's SecretService backend reads and writes (attributes
``service`` and ``username``, ``application`` on those that they make); jeepney, which that backend
stands on, is enough for the few calls. It takes 25 ms where the library takes 108. The secret
crosses the user's own bus as plain text; encrypting it there would hide it from nobody who could
not ask for it as well.
"""

from __future__ import annotations

import os
from typing import Any

from jeepney import (  # type: ignore[import-untyped]
    DBusAddress,
    MessageType,
    Properties,
    new_method_call,
)
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    DBusConnection,
    open_dbus_connection,
)

from sshknock.client.keyrings.bus import session_bus
from sshknock.client.keyrings.system import locked_keyring, no_keyring
from sshknock.errors import BadInput, KeyringUnavailable

TIME_LIMIT_S = 10.0
_BUS_NAME = "org.freedesktop.secrets"
_PREFIX = "org.freedesktop.Secret."
_SERVICE_PATH = "/org/freedesktop/secrets"
_COLLECTION_PATH = "/org/freedesktop/secrets/aliases/default"
_APPLICATION = "Python keyring library"
_NO_OBJECT = "/"
_NO_BUS_HINT = "log in to the desktop, or enroll with '--keyring file' on this machine"


def is_plain() -> bool:
    """Tell whether the library would take its defaults too, so that both find the same items."""
    return not any(variable.startswith("KEYRING_PROPERTY_") for variable in os.environ)


class SecretService:
    """The texts of one service; new ones go into the default collection."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._bus = _connect()
        self._session = ""

    def get(self, name: str) -> str | None:
        """Return the text, or None."""
        item = self._item(name)
        if item is None:
            return None
        ((_, _, value, _),) = self._call(item, "Item", "GetSecret", "o", self._open_session())
        try:
            return bytes(value).decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"the keyring's item {name!r} is no text") from error

    def set(self, name: str, text: str) -> None:
        """Keep the text: in the very item that ``get`` reads, whoever made it, or in a new one."""
        item = self._item(name)
        secret = (self._open_session(), b"", text.encode(), "text/plain")
        if item is None:
            self._create(name, secret)
        else:
            self._call(item, "Item", "SetSecret", "(oayays)", secret)

    def delete(self, name: str) -> None:
        """Forget the text."""
        for item in self._items(name):
            (prompt,) = self._call(item, "Item", "Delete", "")
            if prompt != _NO_OBJECT:
                raise locked_keyring()

    def _create(self, name: str, secret: tuple[str, bytes, bytes, str]) -> None:
        attributes = {**self._attributes(name), "application": _APPLICATION}
        properties = {
            f"{_PREFIX}Item.Label": ("s", f"Password for '{name}' on '{self._service}'"),
            f"{_PREFIX}Item.Attributes": ("a{ss}", attributes),
        }
        item, _ = self._call(
            *(_COLLECTION_PATH, "Collection", "CreateItem", "a{sv}(oayays)b"),
            *(properties, secret, True),
        )
        if item == _NO_OBJECT:  # it would show a prompt first
            raise locked_keyring()

    def _attributes(self, name: str) -> dict[str, str]:
        return {"service": self._service, "username": name}

    def _item(self, name: str) -> str | None:
        """Return the one item of this name; of several nobody knows which one is up to date."""
        items = self._items(name)
        if len(items) > 1:
            raise BadInput(
                f"the keyring has {len(items)} items for {name!r}",
                f"in its password manager remove all but the newest with service={self._service}"
                f" and username={name}",
            )
        return items[0] if items else None

    def _items(self, name: str) -> list[str]:
        """Return the items of this name in all collections.

        They stay in the collection that was the default one when they were made.
        """
        unlocked, locked = self._call(
            _SERVICE_PATH, "Service", "SearchItems", "a{ss}", self._attributes(name)
        )
        if locked:
            raise locked_keyring()
        if not unlocked:  # in a locked collection a keyring may not be able to search at all
            self._refuse_locked()
        return list(unlocked)

    def _refuse_locked(self) -> None:
        collection = DBusAddress(_COLLECTION_PATH, _BUS_NAME, f"{_PREFIX}Collection")
        ((_, is_locked),) = self._send(Properties(collection).get("Locked"))
        if is_locked:
            raise locked_keyring()

    def _open_session(self) -> str:
        if not self._session:
            _, self._session = self._call(
                _SERVICE_PATH, "Service", "OpenSession", "sv", "plain", ("s", "")
            )
        return self._session

    def _call(self, path: str, interface: str, method: str, signature: str, *body: Any) -> Any:
        address = DBusAddress(path, _BUS_NAME, _PREFIX + interface)
        return self._send(new_method_call(address, method, signature, body))

    def _send(self, message: Any) -> Any:
        try:
            reply = self._bus.send_and_get_reply(message, timeout=TIME_LIMIT_S)
        except TimeoutError as error:
            raise KeyringUnavailable(
                f"the keyring did not answer within {TIME_LIMIT_S:g} s",
                "is it asking you something?",
            ) from error
        except OSError as error:
            raise KeyringUnavailable("the connection to the keyring broke") from error
        if reply.header.message_type == MessageType.error:
            raise _explained(reply)
        return reply.body


def _connect() -> DBusConnection:
    address = session_bus()
    if address is None:
        raise KeyringUnavailable(
            "the system keyring cannot be reached: there is no session bus", _NO_BUS_HINT
        )
    try:
        return open_dbus_connection(bus=address)
    except (RuntimeError, StopIteration, ValueError, OSError) as error:
        raise KeyringUnavailable(
            "the system keyring cannot be reached: the session bus does not answer", _NO_BUS_HINT
        ) from error


def _explained(reply: Any) -> KeyringUnavailable:
    name = str(next((v for k, v in reply.header.fields.items() if k.name == "error_name"), ""))
    if name.endswith(".IsLocked"):
        return locked_keyring()
    if name.endswith((".ServiceUnknown", ".NameHasNoOwner", ".Spawn.ExecFailed")):
        return no_keyring()
    if name.endswith((".NoSuchObject", ".UnknownObject", ".UnknownMethod")):
        return KeyringUnavailable(
            "there is no keyring that is set up for this user",
            "'--keyring file' keeps the secret in a private file instead",
        )
    if name.endswith((".NoReply", ".Disconnected")):
        return KeyringUnavailable(
            "the keyring ended while it was asked", "start it (log in to the desktop) and try again"
        )
    return KeyringUnavailable(f"the keyring refused: {name}")
