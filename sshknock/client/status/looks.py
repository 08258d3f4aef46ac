"""What is known of each pairing now: its state, its sessions, or what keeps them from being read.

Nothing here touches the network. Each keyring is opened once, however many pairings it keeps; one
that is locked, missing or silent is not asked again for the next pairing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sshknock.client import sessions
from sshknock.client.config import Pairing
from sshknock.client.keyrings import Keyring, open_keyring
from sshknock.client.state import FAILED, NOT_HIDDEN, OPENED, PairingState, Store, lock_file
from sshknock.client.status.answers import Answer
from sshknock.errors import KeyringUnavailable, SshknockError
from sshknock.system.files import LockTimeout, locked

JSON_VERSION = 1


@dataclass(frozen=True, slots=True)
class Look:
    """One pairing as it is now.

    Either ``state`` is there or ``problem``. ``answer`` is what its port answered, when it was
    asked. ``has_block`` tells that ssh was told of it by ``ssh-config --write``. ``is_knocking``
    tells that a train is out and somebody still waits for its door: the state says ``failed`` until
    it has opened.
    """

    pairing: Pairing
    sessions: int
    state: PairingState | None = None
    problem: SshknockError | None = None
    answer: Answer | None = None
    has_block: bool = True
    is_knocking: bool = False

    @property
    def seen_hidden(self) -> bool | None:
        """Whether the port was hidden: as it answered now, else as the latest logins saw it.

        None when nobody has looked for so long that a login would look first.
        """
        if self.answer is not None:
            return self.answer.hidden
        if self.state is None or self.state.last_open is None:
            return False if self.state and self.state.last_result == NOT_HIDDEN else None
        if self.state.last_result == NOT_HIDDEN:
            return False
        counters, window = self.state.counters, self.state.parameters.window
        recently = counters.strong is not None and counters.confirmed - counters.strong < window
        return True if recently and self.state.last_result == OPENED else None


def look_at(pairings: Iterable[Pairing]) -> list[Look]:
    """Read the state of each pairing; what cannot be read becomes its ``problem``."""
    keyrings: dict[str, Keyring | KeyringUnavailable] = {}
    found = []
    for pairing in pairings:
        running = sessions.count(pairing.name)
        try:
            state = Store(pairing, _opened(keyrings, pairing.keyring)).load()
        except KeyringUnavailable as problem:
            keyrings[pairing.keyring] = problem
            found.append(Look(pairing, running, problem=problem))
        except SshknockError as problem:
            found.append(Look(pairing, running, problem=problem))
        else:
            found.append(Look(pairing, running, state, is_knocking=_is_knocking(pairing, state)))
    return found


def _is_knocking(pairing: Pairing, state: PairingState) -> bool:
    """Tell whether somebody holds the lock of a pairing whose last train has not opened yet."""
    if state.last_result != FAILED:
        return False
    try:
        with locked(lock_file(pairing.name), timeout_s=0):
            return False
    except LockTimeout:
        return True
    except SshknockError:  # a folder of ours that cannot be written: nobody knocks then
        return False


def with_blocks(looks: Iterable[Look]) -> list[Look]:
    """Return the same looks, which know now whether ssh was told of the pairings."""
    from sshknock.client import ssh_config  # noqa: PLC0415  slow to import; for people only

    written = set(ssh_config.written())
    return [replace(look, has_block=look.pairing.name in written) for look in looks]


def _opened(keyrings: dict[str, Keyring | KeyringUnavailable], recorded: str) -> Keyring:
    known = keyrings.get(recorded)
    if known is None:
        known = keyrings[recorded] = open_keyring(recorded)
    if isinstance(known, KeyringUnavailable):
        raise known
    return known


def problems(looks: Iterable[Look]) -> list[SshknockError]:
    """Return what could not be read, each thing once: a locked keyring is one problem, not 200."""
    found = {
        (look.problem.message, look.problem.hint): look.problem for look in looks if look.problem
    }
    return list(found.values())


def as_json(looks: Sequence[Look]) -> dict[str, Any]:
    """Return the stable interface of ``status --json``: the pairings that can be read.

    Counters are -1 while there is none, times are Unix seconds or None. ``port_answered`` is there
    when the ports were asked.
    """
    return {
        "version": JSON_VERSION,
        "pairings": [_row(look, look.state) for look in looks if look.state is not None],
    }


def _row(look: Look, state: PairingState) -> dict[str, Any]:
    row = {
        "name": look.pairing.name,
        "host": look.pairing.host,
        "port": look.pairing.port,
        "keyring": look.pairing.keyring,
        "confirmed": state.counters.confirmed,
        "sent": state.counters.sent,
        "sessions": look.sessions,
        "last_open": state.last_open,
        "last_result": state.last_result,
    }
    return row if look.answer is None else {**row, "port_answered": look.answer.value}
