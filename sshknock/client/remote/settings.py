"""What ssh's own settings say about a host, decided once and before anything is connected.

asyncssh reads them again while it connects, with what stands below ``Match final``. So the trust in
host keys, the ProxyCommand and the ProxyJump are never left to that reading: they are taken from
the final one, judged here, and handed over as arguments, which no reading overrides. For the same
reason host names are taken as they are written: ``CanonicalizeHostname`` would read once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import asyncssh

from sshknock.client.ssh_config import PROXY

_READING: dict[str, Any] = {"config": (), "final": True, "canonicalize_hostname": False}
_JUMP = re.compile(r"(?:(.+)@)?(?:\[([^]]+)\]|([^:\[\]]+))(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Hop:
    """A host on the way, by the name that the settings know it by."""

    alias: str
    user: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        return self.alias if self.user is None else f"{self.user}@{self.alias}"

    def options(self) -> dict[str, Any]:
        """Return asyncssh's options that lead to this host, by the user's ``~/.ssh/config``."""
        options = {"host": self.alias, **_READING}
        if self.user is not None:
            options["username"] = self.user
        if self.port is not None:
            options["port"] = self.port
        return options


@dataclass(frozen=True, slots=True)
class Settings:
    """What the final reading says of one hop.

    ``known_hosts`` is never None, which would trust every host: ``UserKnownHostsFile none`` is no
    leave to do so. ``learn_into`` is the file that learns an unknown host's key when the user
    agrees, None where there is none. ``address`` is the name or address to connect to, and
    ``identity_files`` are those that the settings name.
    """

    address: str
    port: int
    user: str
    identity_files: tuple[str, ...]
    known_hosts: str | bytes | list[str]
    learn_into: Path | None
    host_key_alias: str | None
    proxy_command: list[str] | None
    jumps: tuple[Hop, ...]

    @property
    def goes_through_us(self) -> bool:
        """Tell whether the ProxyCommand is the one that knocks."""
        return any(PurePath(word).name == PROXY for word in self.proxy_command or ())


async def read(hop: Hop) -> Settings:
    """Read what ``~/.ssh/config`` says; raise ValueError or OSError for what is not sound."""
    found = await asyncssh.SSHClientConnectionOptions.construct(**hop.options())
    # An empty list would be trust in nobody, if asyncssh did not look for the usual file then.
    known: Any = found.known_hosts or _default_known_hosts()
    command = found.proxy_command
    return Settings(
        address=found.host,
        port=found.port,
        user=found.username,
        identity_files=tuple(map(str, found.config.get("IdentityFile") or ())),
        known_hosts=known,
        learn_into=_learning_file(found.config.get("UserKnownHostsFile")),
        host_key_alias=found.host_key_alias,
        proxy_command=None if command is None else list(command),
        jumps=_jumps(found.tunnel),
    )


def _default_known_hosts() -> str | bytes:
    """Return the user's own file, or the content of none."""
    file = _own_known_hosts()
    return str(file) if file.is_file() else b""


def _own_known_hosts() -> Path:
    return Path("~/.ssh/known_hosts").expanduser()


def _learning_file(named: object) -> Path | None:
    """Return ssh's choice: the first of the user's files, none where the settings want none."""
    if named is None:
        return _own_known_hosts()
    return Path(str(named[0])).expanduser() if isinstance(named, list) and named else None


def _jumps(value: object) -> tuple[Hop, ...]:
    return tuple(_jump(text) for text in value.split(",")) if isinstance(value, str) else ()


def _jump(text: str) -> Hop:
    match = _JUMP.fullmatch(text.strip().removeprefix("ssh://"))
    if match is None:
        raise ValueError(f"its ProxyJump {text!r} is no [USER@]HOST[:PORT]")
    return Hop(match[2] or match[3], match[1], None if match[4] is None else int(match[4]))
