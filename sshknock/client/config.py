"""``config.toml``: what the client knows of its servers, without any secret.

The program writes the file; an administrator may edit it. Reading is strict: whatever is unknown
or of the wrong type is an error that names the file and the key, and nothing is guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli

from sshknock.client import paths
from sshknock.errors import BadInput, NoSuchPairing, SystemFault, UsageError
from sshknock.protocol.names import is_pairing_id, parse_host, parse_name, parse_port
from sshknock.records import record
from sshknock.system.files import locked, write_private

FILE_KEYRING = "file"
_VERSION = 1
_KEYS = ("hosts", "port", "keyring", "id")
_FOR_SSH = ("user", "identity_files", "host_key_alias")
_LOCK_S = 10.0
_HEAD = "# sshknock's pairings. 'sshknock set' changes them; comments are not kept.\n"


@record
class Pairing:
    """One server as this client knows it.

    ``hosts`` are the names and addresses by which ssh may call it, the first one preferred;
    ``keyring`` is ``file`` or the ``module:Class`` of a keyring backend; ``pairing_id`` is the
    token's, by which a second enrolment is recognised. ``user``, ``identity_files`` and
    ``host_key_alias`` are what ssh has to know beyond its own settings, as ssh has them.
    """

    name: str
    hosts: tuple[str, ...]
    port: int
    keyring: str
    pairing_id: str
    user: str | None = None
    identity_files: tuple[str, ...] = ()
    host_key_alias: str | None = None

    @property
    def host(self) -> str:
        """The host that commands without an address of their own go to."""
        return self.hosts[0]


class Config:
    """All pairings, by name, in the order of the file."""

    def __init__(self, pairings: Mapping[str, Pairing]) -> None:
        self.pairings = dict(pairings)

    def named(self, name: str) -> Pairing:
        """Return the pairing of this name; raise NoSuchPairing."""
        try:
            return self.pairings[name]
        except KeyError:
            raise NoSuchPairing(
                f"there is no pairing {name!r}", "'sshknock status' lists them"
            ) from None

    def serving(self, host: str, port: int) -> Pairing:
        """Return the one pairing for this host, as ssh calls it, and port.

        Raises NoSuchPairing when there is none and UsageError when there are several.
        """
        found = [p for p in self.pairings.values() if host in p.hosts and port == p.port]
        if not found:
            raise NoSuchPairing(
                f"no pairing is for {host} port {port}, so nothing was sent",
                "'sshknock enroll' makes one; 'sshknock set' changes the hosts of one",
            )
        if len(found) > 1:
            names = " and ".join(p.name for p in found)
            raise UsageError(
                f"{names} are both for {host} port {port}", "say which one with --name NAME"
            )
        return found[0]


def config_file() -> Path:
    """Return the path of ``config.toml``."""
    return paths.config_dir() / "config.toml"


def load() -> Config:
    """Read the pairings; without a file there are none. Raises BadInput."""
    path = config_file()
    try:
        with path.open("rb") as file:
            document = tomli.load(file)
    except FileNotFoundError:
        return Config({})
    except OSError as error:
        raise SystemFault(f"cannot read {path}: {error.strerror}") from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} is no TOML: {error}", "mend that line, or move the file") from error
    try:
        return _parse(document)
    except BadInput as error:
        hint = error.hint or "mend that key; 'sshknock set' writes the file itself"
        raise BadInput(f"{path}: {error.message}", hint) from error


@contextmanager
def held() -> Iterator[Config]:
    """Lock and read the pairings: nobody changes them, or what follows from them, meanwhile."""
    folder = paths.private_folder(paths.state_dir())
    with locked(folder / "config.lock", timeout_s=_LOCK_S):
        yield load()


@contextmanager
def changing() -> Iterator[Config]:
    """Hold the pairings; what the caller made of them is written when all went well."""
    with held() as config:
        yield config
        paths.private_folder(paths.config_dir())
        write_private(config_file(), render(config).encode())


def render(config: Config) -> str:
    """Return the file's text; ``load`` reads it back."""
    parts = [_HEAD, f"version = {_VERSION}\n"]
    for pairing in config.pairings.values():
        hosts = ", ".join(_quoted(host) for host in pairing.hosts)
        parts.append(
            f"\n[pairings.{_quoted(pairing.name)}]\n"
            f"hosts = [{hosts}]\n"
            f"port = {pairing.port}\n"
            f"keyring = {_quoted(pairing.keyring)}\n"
            f"id = {_quoted(pairing.pairing_id)}\n"
        )
        if pairing.user is not None:
            parts.append(f"user = {_quoted(pairing.user)}\n")
        if pairing.identity_files:
            files = ", ".join(map(_quoted, pairing.identity_files))
            parts.append(f"identity_files = [{files}]\n")
        if pairing.host_key_alias is not None:
            parts.append(f"host_key_alias = {_quoted(pairing.host_key_alias)}\n")
    return "".join(parts)


def _quoted(text: str) -> str:
    """Return a TOML basic string; of printable text, which is all there is here, JSON's is one."""
    return json.dumps(text, ensure_ascii=False)


def _parse(document: dict[str, Any]) -> Config:
    version = document.pop("version", None)
    if version != _VERSION or isinstance(version, bool):
        raise BadInput(f"version is {version!r}, not {_VERSION}", "another sshknock wrote the file")
    tables = document.pop("pairings", {})
    _refuse_unknown(document, "")
    if not isinstance(tables, dict):
        raise BadInput("pairings is no table")
    return Config({name: _parse_pairing(name, table) for name, table in tables.items()})


def _parse_pairing(name: str, table: object) -> Pairing:
    where = f"pairings.{name}"
    parse_name(name)
    if not isinstance(table, dict):
        raise BadInput(f"{where} is no table")
    known = {*_KEYS, *_FOR_SSH}
    _refuse_unknown({key: value for key, value in table.items() if key not in known}, where + ".")
    for key in _KEYS:
        if key not in table:
            raise BadInput(f"{where}.{key} is missing")
    hosts, port, keyring, pairing_id = (table[key] for key in _KEYS)
    if not isinstance(hosts, list) or not hosts or not all(isinstance(h, str) for h in hosts):
        raise BadInput(f"{where}.hosts is no list of host names")
    if isinstance(port, bool) or not isinstance(port, int):
        raise BadInput(f"{where}.port is no whole number")
    if not isinstance(keyring, str) or not is_keyring(keyring):
        raise BadInput(f"{where}.keyring is neither 'file' nor 'module:Class'")
    if not isinstance(pairing_id, str) or not is_pairing_id(pairing_id):
        raise BadInput(f"{where}.id is no id of a pairing")
    try:
        return Pairing(
            name,
            tuple(parse_host(host) for host in hosts),
            parse_port(port),
            keyring,
            pairing_id,
            *_parse_for_ssh(table),
        )
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", error.hint) from error


def _parse_for_ssh(table: dict[str, Any]) -> tuple[str | None, tuple[str, ...], str | None]:
    user, files, alias = (table.get(key) for key in _FOR_SSH)
    if files is not None and not isinstance(files, list):
        raise BadInput("identity_files is no list of files")
    return (
        None if user is None else parse_for_ssh("user", user),
        tuple(parse_for_ssh("identity_files", file) for file in files or ()),
        None if alias is None else parse_for_ssh("host_key_alias", alias),
    )


def parse_for_ssh(key: str, value: object) -> str:
    """Return a value that can stand in ssh's settings as it is, in quotes; raise BadInput."""
    whole = isinstance(value, str) and value.strip() == value != "" and value.isprintable()
    if not whole or '"' in str(value) or (key == "host_key_alias" and " " in str(value)):
        raise BadInput(f"{key} cannot be {value!r}")
    return str(value)


def is_keyring(text: str) -> bool:
    """Tell whether this could name a keyring: ``file`` or ``module:Class``."""
    module, separator, name = text.partition(":")
    if not separator:
        return text == FILE_KEYRING
    return name.isidentifier() and all(part.isidentifier() for part in module.split("."))


def _refuse_unknown(left: Mapping[str, object], where: str) -> None:
    for key in left:
        raise BadInput(f"unknown key {where}{key}", "a typing mistake? remove or correct it")
