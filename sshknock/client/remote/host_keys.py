"""Host keys that known_hosts does not know: told apart, shown as ssh shows them, and learnt."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh

from sshknock.client.remote.errors import NotReached
from sshknock.client.remote.settings import Settings
from sshknock.errors import SystemFault

_SSH_PORT = 22


class UnknownHostKey(NotReached):
    """A host's key is in no file; ``learn`` adds it to the user's, if the user says so."""

    def __init__(self, where: str, key: asyncssh.SSHKey, name: str, file: Path | None) -> None:
        super().__init__(
            f"the host key of {where} is not in known_hosts",
            f"let ssh learn it once: 'ssh {where}'; compare what it shows with the server's own"
            " (there: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub)",
        )
        self.where = where
        self.fingerprint = key.get_fingerprint()
        self.kind = key.get_algorithm()
        self.may_be_learnt = file is not None
        kind, encoded, *_ = key.export_public_key().decode().split()
        self._line = f"{name} {kind} {encoded}\n"
        self._file = file

    def learn(self) -> None:
        """Add the key to the user's known_hosts, as ssh does after a yes."""
        if self._file is None:
            raise AssertionError("there is no file to learn it")
        try:
            self._file.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b") as file:
                before = file.read()
                missing = b"\n" if before and not before.endswith(b"\n") else b""
                file.write(missing + self._line.encode())
        except OSError as error:
            raise SystemFault(f"cannot write {self._file}: {error.strerror}") from error


class _Shown:
    """A key that a host showed and nobody vouches for: whose, and by which names."""

    def __init__(self, host: str, address: str, port: int | None, key: asyncssh.SSHKey) -> None:
        self._host, self._address, self._port, self._key = host, address, port, key

    def error(self, where: str, settings: Settings, alias: str | None) -> NotReached:
        """Return what to tell: nobody knows it, or another one is known."""
        known = settings.known_hosts
        others, authorities, *_ = asyncssh.match_known_hosts(
            known, self._host, self._address, self._port
        )
        if others or authorities:
            return NotReached(
                f"the host key of {where} is another one than known_hosts has",
                "somebody may be in between, or the server was set up anew; ssh-keygen -R"
                f" {known_as(self._host, self._port)} forgets the old one",
            )
        named = alias or settings.host_key_alias
        return UnknownHostKey(
            where, self._key, named or known_as(self._host, self._port), settings.learn_into
        )


class Witness(asyncssh.SSHClient):
    """Hears of a key that known_hosts does not vouch for, and does not vouch for it either."""

    def __init__(self) -> None:
        self.shown: _Shown | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Note the key; asyncssh asks this only of keys that it knows nothing of."""
        self.shown = _Shown(host, addr, port, key)
        return False


def known_as(host: str, port: int | None) -> str:
    """Return the name that known_hosts has for a host and port."""
    return host if port in (None, _SSH_PORT) else f"[{host}]:{port}"


def name_that_knows(
    key: asyncssh.SSHKey, names: list[str], settings: Settings, *, address: str = ""
) -> str | None:
    """Return the first name by which known_hosts vouches for a key; None where none does."""
    for name in names:
        keys, authorities, *_ = asyncssh.match_known_hosts(
            settings.known_hosts, name, address, None
        )
        if key in keys or authorities:
            return name
    return None
