"""Moving what a pairing's keyring keeps into another keyring: ``sshknock set NAME keyring=...``.

The new item is written first, then the settings, and the old item is removed last: whatever
interrupts it leaves a pairing that works, and the same command again ends it well.
"""

from __future__ import annotations

from contextlib import suppress

from sshknock.client import config
from sshknock.client.config import Pairing
from sshknock.client.enroll import recorded_keyring, set_and_read_back
from sshknock.client.keyrings import KINDS, Keyring, open_keyring
from sshknock.client.state import PairingState, Store, locked_by_hand
from sshknock.errors import BadInput, KeyringUnavailable, SshknockError, UsageError
from sshknock.records import replace


def move(name: str, keyring: str) -> Pairing:
    """Keep a pairing's state in the ``system`` or the ``file`` keyring from now on.

    Raises UsageError for another keyring, or one that has an item of something else under this
    name, and KeyringUnavailable; then nothing was changed.
    """
    if keyring not in KINDS:
        raise UsageError(f"there is no keyring {keyring!r}", "keyring=system or keyring=file")
    recorded = recorded_keyring(keyring)
    config.load().named(name)  # before there is a lock file of this name
    # The pairing's lock outlasts the writing of the settings: an ssh that has waited for it finds
    # the item where the settings say, or none; never an old one.
    with locked_by_hand(name):
        with config.changing() as known:
            before = known.named(name)
            if before.keyring == recorded:
                return before
            state = Store(before).load()
            ring = open_keyring(recorded)
            _refuse_another(ring, name, state)
            set_and_read_back(ring, name, state.encode())
            after = known.pairings[name] = replace(before, keyring=recorded)
        try:
            open_keyring(before.keyring).delete(name)
        except KeyringUnavailable as error:
            raise SshknockError(
                f"moved, but the other keyring still has a copy of the secret: {error.message}",
                "remove it there in its password manager",
            ) from error
    return after


def _refuse_another(ring: Keyring, name: str, state: PairingState) -> None:
    """Let only what an earlier move of this pairing left behind be overwritten."""
    there = ring.get(name)
    if there is None:
        return
    with suppress(BadInput):
        if PairingState.decode(there).pairing_id == state.pairing_id:
            return
    raise UsageError(
        f"that keyring has an item {name!r} that is not this pairing's",
        "remove it there first, in its password manager",
    )
