"""Making and forgetting a pairing.

The keyring's item is written first and ``config.toml`` last: a pairing exists from the moment that
the settings name it, so whatever interrupts an enrolment leaves a whole pairing or none.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress

from sshknock.client import config, paths, used
from sshknock.client.config import FILE_KEYRING, Config, Pairing
from sshknock.client.keyrings import Keyring, open_keyring
from sshknock.client.state import PairingState, Store, locked_by_hand
from sshknock.errors import (
    BadInput,
    KeyringUnavailable,
    NoSuchPairing,
    SshknockError,
    UsageError,
)
from sshknock.protocol.list_counters import SequenceList
from sshknock.protocol.names import parse_host, parse_name, parse_port
from sshknock.protocol.token import Token
from sshknock.records import as_dict, record, replace
from sshknock.system.command_line import reading_arguments

SYSTEM_KEYRING = "system"
SETTINGS = (
    "host=HOST, port=PORT, user=USER, identity_files=FILE,..., host_key_alias=NAME or"
    " keyring=system|file"
)


@record
class ForSsh:
    """What ssh has to know of a server beyond its own settings; see ``config.Pairing``."""

    user: str | None = None
    identity_files: tuple[str, ...] = ()
    host_key_alias: str | None = None


NOTHING = ForSsh()


def check_ready(name: str, keyring: str) -> None:
    """See what can be seen before there is a token: the name, and a keyring that can be read.

    Raises UsageError and KeyringUnavailable.
    """
    with reading_arguments():
        parse_name(name)
    _refuse_name(config.load(), name)
    try:
        open_keyring(recorded_keyring(keyring)).get(name)
    except KeyringUnavailable as error:
        from sshknock.client.keyrings.system import or_in_a_file  # noqa: PLC0415  not for "file"

        raise or_in_a_file(error) from error


def enroll(
    name: str,
    token: Token,
    *,
    keyring: str,
    host: str | None = None,
    again: bool = False,
    for_ssh: ForSsh = NOTHING,
    listed: SequenceList | None = None,
) -> Pairing:
    """Make a pairing from a token; needs no network.

    ``keyring`` is ``system`` or ``file``; ``host`` takes the place of the hosts in the token;
    ``again`` allows a token that was used here and forgotten; ``for_ssh`` is what its Host block
    shall say beside. ``listed`` is for a server with a stock knockd.
    Raises UsageError for a name or a token that is taken, and KeyringUnavailable.
    """
    with reading_arguments():
        parse_name(name)
        hosts = token.hosts if host is None else (parse_host(host),)
    _check_for_ssh(for_ssh)
    if not hosts:
        raise UsageError("the token names no host", "say where the server is with --host HOST")
    token.parameters.check()
    with config.changing() as known:
        _refuse_name(known, name)
        _refuse_token(known, token)
        if not again:
            _refuse_used(name, token)
        pairing = Pairing(
            name, hosts, token.port, recorded_keyring(keyring), token.pairing_id, **as_dict(for_ssh)
        )
        _store_state(open_keyring(pairing.keyring), name, token, listed)
        known.pairings[name] = pairing
    return pairing


def forget(name: str, *, force: bool = False) -> Pairing | None:
    """Remove a pairing: its keyring item, its settings, what is left of its runs.

    A name that only a keyring knows, from an enrolment that was killed, is forgotten as well.
    Raises KeyringUnavailable; with ``force`` the pairing is removed all the same, and returned
    because its item may still be in its keyring.
    """
    left: Pairing | None = None
    with reading_arguments():
        parse_name(name)
    with config.changing() as known, locked_by_hand(name):
        pairing = known.pairings.pop(name, None)
        if pairing is None:
            if not _forget_left_over(name):
                raise NoSuchPairing(f"there is no pairing {name!r}", "'sshknock status' lists them")
        else:
            if _was_used(pairing):
                used.remember(pairing.pairing_id)
            try:
                open_keyring(pairing.keyring).delete(name)
            except KeyringUnavailable as error:
                if not force:
                    raise _still_kept(name, error) from error
                left = pairing
    shutil.rmtree(paths.state_dir() / "sessions" / name, ignore_errors=True)
    return left


def forget_left_over(name: str, pairing_id: str) -> None:
    """Remove the item of an enrolment that was killed before the settings knew its pairing."""
    for keyring in (FILE_KEYRING, SYSTEM_KEYRING):
        with suppress(KeyringUnavailable, BadInput):
            store = open_keyring(recorded_keyring(keyring))
            text = store.get(name)
            if text is not None and PairingState.decode(text).pairing_id == pairing_id:
                store.delete(name)


def change(name: str, values: Mapping[str, str]) -> Pairing:
    """Change what is known of a server.

    ``host`` (several with commas between) and ``port``; ``user``, ``identity_files`` (the same) and
    ``host_key_alias`` for ssh, of which an empty value leaves the word to ssh's own settings.
    """
    with config.changing() as known, reading_arguments():
        pairing = replace(known.named(name), **_parsed(values))
        known.pairings[name] = pairing
    return pairing


def _parsed(values: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in values.items():
        if key == "host":
            found["hosts"] = tuple(parse_host(host) for host in value.split(","))
        elif key == "port":
            found["port"] = parse_port(value)
        elif key == "identity_files":
            files = value.split(",") if value else ()
            found[key] = tuple(config.parse_for_ssh(key, file) for file in files)
        elif key in ("user", "host_key_alias"):
            found[key] = config.parse_for_ssh(key, value) if value else None
        else:
            raise UsageError(f"there is nothing called {key!r} to set", SETTINGS)
    return found


def _check_for_ssh(values: ForSsh) -> None:
    """Refuse what the settings could not be read with again; raise BadInput."""
    for key, value in as_dict(values).items():
        for text in (value,) if isinstance(value, str) else value or ():
            config.parse_for_ssh(key, text)


def _refuse_name(known: Config, name: str) -> None:
    for other in known.pairings.values():
        if other.name.lower() == name.lower():
            raise UsageError(
                f"there is a pairing {other.name!r} already",
                f"'sshknock rotate {other.name}' gives it a new secret; or take another name, or"
                f" 'sshknock forget {other.name}' first",
            )


def _refuse_token(known: Config, token: Token) -> None:
    for other in known.pairings.values():
        if other.pairing_id == token.pairing_id:
            raise UsageError(
                f"this token is enrolled already, as {other.name!r}",
                "a token is for one client: make another with 'sshknock-server client add'",
            )


def _refuse_used(name: str, token: Token) -> None:
    """Refuse a token whose counters were forgotten here: they would begin at 0 again."""
    if used.is_remembered(token.pairing_id):
        raise UsageError(
            "this token was used here before, and its counters were forgotten",
            "'sshknock-server client rotate' makes a new one; with --again this one is taken, and"
            f" 'sshknock sync {name} --search' looks for its counter",
        )


def _was_used(pairing: Pairing) -> bool:
    """Tell whether any sequence of a pairing was sent; one that cannot be read may have been."""
    try:
        return Store(pairing).load().counters.sent >= 0
    except SshknockError:
        return True


def recorded_keyring(keyring: str) -> str:
    """Return what the settings call the ``system`` or the ``file`` keyring of this machine."""
    if keyring == FILE_KEYRING:
        return FILE_KEYRING
    from sshknock.client.keyrings.system import find_backend  # noqa: PLC0415

    return find_backend()


def _store_state(keyring: Keyring, name: str, token: Token, listed: SequenceList | None) -> None:
    """Write the first state, unless an enrolment of the same token was killed after it did."""
    left_over = keyring.get(name)
    if left_over is not None:
        with suppress(BadInput):
            if PairingState.decode(left_over).pairing_id == token.pairing_id:
                return
        raise UsageError(
            f"the keyring has an item {name!r} that is not of this token",
            f"take another name, or 'sshknock forget {name}' first",
        )
    state = PairingState(
        token.pairing_id,
        token.secret,
        token.parameters,
        admission_s=token.admission_s,
        listed=listed,
    )
    try:
        set_and_read_back(keyring, name, state.encode())
    except BaseException:  # a ^C too: leave no pairing rather than half of one
        with suppress(Exception):
            keyring.delete(name)
        raise


def set_and_read_back(keyring: Keyring, name: str, text: str) -> None:
    """Keep a text, and see that it can be read again; raise KeyringUnavailable."""
    keyring.set(name, text)
    if keyring.get(name) != text:
        raise KeyringUnavailable(
            "the keyring does not give back what it was given",
            "'--keyring file' keeps the secret in a private file instead",
        )


def _still_kept(name: str, error: KeyringUnavailable) -> KeyringUnavailable:
    return KeyringUnavailable(
        f"cannot remove the secret: {error.message}",
        f"nothing was changed; 'sshknock forget {name} --force' leaves the secret in that keyring",
    )


def _forget_left_over(name: str) -> bool:
    """Remove an item that no settings know from the keyrings that can be reached."""
    found = False
    for keyring in (FILE_KEYRING, SYSTEM_KEYRING):
        with suppress(KeyringUnavailable):
            store = open_keyring(recorded_keyring(keyring))
            if store.get(name) is not None:
                store.delete(name)
                found = True
    return found
