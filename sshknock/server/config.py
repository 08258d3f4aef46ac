"""The server's settings, ``/etc/sshknock/server.toml``: written by ``init``, read by everything."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path
from typing import Any

from sshknock.errors import BadInput, SshknockError
from sshknock.protocol.names import parse_port
from sshknock.server import paths
from sshknock.server.networks import Network, parse_networks
from sshknock.system.files import write_private

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TIMEOUT_LONGEST_S = 3600
_INTERFACE_LONGEST = 15  # IFNAMSIZ of if.h, less its final zero byte


class NotSetUp(SshknockError):
    """The server has no settings: ``init`` has not run."""


class Engine(Enum):
    """What matches the knocks."""

    KNOCKD = "knockd"


class Admit(Enum):
    """How an open door lets in: the next new connection only, or all until a close or timeout."""

    SINGLE = "single"
    TIMED = "timed"


class Refuse(Enum):
    """What a stranger sees on a hidden port; auto is what the host does on any closed port."""

    AUTO = "auto"
    RESET = "reset"
    DROP = "drop"


class Hook(Enum):
    """How the server learns that a session began and ended."""

    PAM = "pam"
    FORCECOMMAND = "forcecommand"
    NONE = "none"


class Service(Enum):
    """Who keeps our processes running: systemd, or a watcher of our own."""

    SYSTEMD = "systemd"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one server.

    ``timeout_s``: how long an admission stands, in seconds. ``always``: who needs no knock.
    """

    interface: str
    ports: tuple[int, ...] = (22,)
    engine: Engine = Engine.KNOCKD
    admit: Admit = Admit.SINGLE
    timeout_s: int = 30
    refuse: Refuse = Refuse.AUTO
    hook: Hook = Hook.PAM
    service: Service = Service.OWN
    always: tuple[Network, ...] = ()

    def __post_init__(self) -> None:
        parse_interface(self.interface)
        if not self.ports:
            raise BadInput("there is no port to hide")
        for port in self.ports:
            parse_port(port)
        if not 1 <= self.timeout_s <= _TIMEOUT_LONGEST_S:
            raise BadInput(f"a timeout of {self.timeout_s} s is not within 1 s to 1 h")

    def changes(self, after: Config) -> list[str]:
        """Return what differs in other settings, as people read it: ``admit single -> timed``."""
        return [
            f"{field.name.removesuffix('_s')} {_worded(old)} -> {_worded(new)}"
            for field in fields(self)
            if (old := getattr(self, field.name)) != (new := getattr(after, field.name))
        ]

    def render(self) -> str:
        """Return the file's text."""
        lines = ["# sshknock: this server's settings. 'sshknock-server init' writes this file."]
        lines += [f"{field.name} = {_toml(getattr(self, field.name))}" for field in fields(self)]
        return "\n".join(lines) + "\n"


def _worded(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return str(value)


def parse_interface(text: str) -> str:
    """Return a network interface's name, as the kernel allows it and no shell can be hurt by."""
    plain = all(c.isascii() and (c.isalnum() or c in "._-@:") for c in text)
    if not plain or not 1 <= len(text) <= _INTERFACE_LONGEST or text in {".", ".."}:
        raise BadInput(f"{text[:40]!r} is no network interface")
    return text


def load(path: Path = paths.CONFIG_FILE) -> Config:
    """Read the settings; raise NotSetUp without a file and BadInput for a wrong one."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise NotSetUp("this server is not set up", "run 'sshknock-server init' as root") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}") from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path} is not valid TOML: {error}") from error
    return _from_values(values, path)


def save(config: Config, path: Path = paths.CONFIG_FILE) -> None:
    """Write the settings."""
    write_private(path, config.render().encode())


def _from_values(values: dict[str, Any], path: Path) -> Config:
    known = {field.name: field for field in fields(Config)}
    for name in values:
        if name not in known:
            raise BadInput(f"{path}: unknown setting {name!r}", f"there are: {', '.join(known)}")
    given = dict(values)
    for name, kind in _ENUMS.items():
        if name in given:
            given[name] = _choice(kind, given[name], f"{path}: {name}")
    if "ports" in given:
        given["ports"] = _ports(given["ports"], path)
    if "always" in given:
        given["always"] = _networks(given["always"], path)
    if type(given.get("timeout_s", 0)) is not int:
        raise BadInput(f"{path}: timeout_s is no whole number of seconds")
    if not isinstance(given.get("interface"), str):
        raise BadInput(f"{path}: interface is missing or no text")
    try:
        return Config(**given)
    except BadInput as error:
        raise BadInput(f"{path}: {error.message}", error.hint) from error


_ENUMS: dict[str, type[Enum]] = {
    "engine": Engine,
    "admit": Admit,
    "refuse": Refuse,
    "hook": Hook,
    "service": Service,
}


def _choice(kind: type[Enum], value: object, where: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        choices = ", ".join(str(member.value) for member in kind)
        raise BadInput(f"{where} is {value!r}", f"one of: {choices}") from None


def _ports(ports: object, path: Path) -> tuple[int, ...]:
    if not isinstance(ports, list) or not all(type(port) is int for port in ports):
        raise BadInput(f"{path}: ports is no list of ports")
    return tuple(ports)


def _networks(texts: object, path: Path) -> tuple[Network, ...]:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadInput(f"{path}: always is no list of networks")
    try:
        return parse_networks(texts)
    except BadInput as error:
        raise BadInput(f"{path}: always: {error.message}", error.hint) from error


def _toml(value: object) -> str:
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, int):
        return str(value)
    return f'"{value}"'
