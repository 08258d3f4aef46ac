"""The operating system's keyring, through the keyring library but without its discovery.

At enrolment the library is asked which backend it would take, and that class is recorded; from then
on it is loaded by its name. Everything that may show a prompt or hang has a time limit.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sshknock.client.keyrings.bus import VARIABLE, session_bus
from sshknock.errors import KeyringUnavailable, SshknockError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

TIME_LIMIT_S = 20.0
_FILE_OPTION = "--keyring file"
_FILE_HINT = f"'{_FILE_OPTION}' keeps the secret in a private file instead"
_UNLOCK_HINT = "unlock it (log in to the desktop, or open its password manager) and try again"
_UNSAFE_MODULES = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt.file")
_OUR_MODULE = "sshknock.client.keyrings.backend"

T = TypeVar("T")


class SystemKeyring:
    """The texts of one service in a recorded backend, ``module:Class``."""

    def __init__(self, recorded: str, service: str) -> None:
        self._service = service
        self._backend = within_limit(lambda: _load(recorded))

    def get(self, name: str) -> str | None:
        """Return the text, or None."""
        return within_limit(lambda: self._backend.get_password(self._service, name))

    def set(self, name: str, text: str) -> None:
        """Keep the text, and see that it is what will be read.

        A backend may write one item and read another, if somebody else made one of that name.
        """
        within_limit(lambda: self._backend.set_password(self._service, name, text))
        if self.get(name) != text:
            raise KeyringUnavailable("the keyring does not give back what it was given", _FILE_HINT)

    def delete(self, name: str) -> None:
        """Forget the text."""
        if self.get(name) is not None:
            within_limit(lambda: self._backend.delete_password(self._service, name))


def find_backend() -> str:
    """Ask the library for the system's keyring; return it as ``module:Class``.

    A backend that keeps nothing, or keeps it in the clear, counts as none: KeyringUnavailable.
    """
    return within_limit(_find)


def within_limit(call: Callable[[], T]) -> T:
    """Make a call that may hang in a prompt; every failure becomes KeyringUnavailable.

    The call runs in a thread of its own: a backend may hang inside a C library, where no signal
    handler of Python's would get its turn. A thread that hangs ends with the process.
    """
    results: list[T] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001  backends raise whatever they like
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(TIME_LIMIT_S)
    if failures:
        raise _explained(failures[0]) from failures[0]
    if not results:
        raise KeyringUnavailable(
            f"the keyring did not answer within {TIME_LIMIT_S:g} s", _UNLOCK_HINT
        )
    return results[0]


def _explained(error: Exception) -> SshknockError:
    if isinstance(error, SshknockError):
        return error
    kind = type(error).__name__
    if kind == "KeyringLocked":
        return locked_keyring()
    if kind == "NoKeyringError":
        return no_keyring()
    if kind == "InitError":
        return KeyringUnavailable("there is no keyring that is set up for this user", _FILE_HINT)
    return KeyringUnavailable(f"the keyring failed: {error or kind}", _FILE_HINT)


def locked_keyring() -> KeyringUnavailable:
    """Return the error for a keyring that waits for its password."""
    return KeyringUnavailable("the keyring is locked", _UNLOCK_HINT)


def no_keyring() -> KeyringUnavailable:
    """Return the error for a machine, or a session, without a keyring."""
    return KeyringUnavailable("there is no system keyring here", _FILE_HINT)


def or_in_a_file(error: KeyringUnavailable) -> KeyringUnavailable:
    """Return the error for somebody who may still choose: the hint names the other way too."""
    if error.hint is None or _FILE_OPTION in error.hint:
        return error
    return KeyringUnavailable(error.message, f"{error.hint}; or {_FILE_HINT}")


def _load(recorded: str) -> KeyringBackend:
    _lead_to_bus()
    module, _, name = recorded.partition(":")
    try:
        backend = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise KeyringUnavailable(
            f"the keyring backend {recorded} cannot be loaded: {error}",
            "install it again, or enroll again with another keyring",
        ) from error
    loaded: KeyringBackend = backend()
    return loaded


def _lead_to_bus() -> None:
    """Let the library find the bus as we do; it knows no other place than the variable."""
    address = session_bus()
    if address is not None:
        os.environ.setdefault(VARIABLE, address)


def _find() -> str:
    _lead_to_bus()
    import keyring  # noqa: PLC0415  70 ms, at enrolment only

    for backend in _members(keyring.get_keyring()):
        kind = type(backend)
        unsafe = kind.__module__.startswith(_UNSAFE_MODULES) or kind.__module__ == _OUR_MODULE
        if not unsafe:
            return f"{kind.__module__}:{kind.__qualname__}"
    raise no_keyring()


def _members(backend: Any) -> list[Any]:
    """Return a backend itself, or what stands behind a chain of several, the best one first."""
    from keyring.backends.chainer import ChainerBackend  # noqa: PLC0415

    return list(backend.backends) if isinstance(backend, ChainerBackend) else [backend]
