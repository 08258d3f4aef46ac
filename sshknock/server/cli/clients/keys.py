"""What is said and checked whenever a secret is made: tokens, and room for the doors."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sshknock.errors import UsageError
from sshknock.protocol.names import parse_host
from sshknock.protocol.token import Token
from sshknock.server import interfaces
from sshknock.server.config import Admit, Config
from sshknock.server.reconcile import engine
from sshknock.server.store import Pairing, Stage, Store
from sshknock.system.files import write_private

_NEXT = "on the client: sshknock enroll myserver --token-file {file}"

token_file_option: Callable[[Any], Any] = click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the token there.  [default: show it]",
)


class TokenOutput:
    """Where a token goes: a file that only root can read, or, once, the standard output."""

    def __init__(self, file: Path | None) -> None:
        if file is not None and file.exists():
            raise UsageError(f"{file} exists already", "choose another file, or remove that one")
        self._file = file
        self._line = ""

    def take(self, pairing: Pairing, config: Config) -> None:
        """Keep the pairing's token. The file is there before the pairing is."""
        self._line = token(pairing, config).encode() + "\n"
        if self._file is not None:
            write_private(self._file, self._line.encode())

    def withdraw(self) -> None:
        """Remove the file: the pairing did not come to be."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def to_json(self, pairing: Pairing) -> str:
        """Return the token, or where it is, for programs."""
        where = ("token", self._line.strip()) if self._file is None else ("file", str(self._file))
        values = {"version": 1, "name": pairing.name, "hosts": list(pairing.hosts)}
        return json.dumps({**values, where[0]: where[1]})

    def show(self, pairing: Pairing, *, hosts_were_chosen: bool) -> None:
        """Print the token, or where it is, and what the client does with it."""
        if self._file is None:
            sys.stdout.write(self._line)
            sys.stderr.write(
                f"sshknock: this line is the key of {pairing.name}: it is not shown again.\n"
                f"sshknock: hint: {_NEXT.format(file='-')}\n"
            )
            return
        chosen = "" if hosts_were_chosen else " (--host changes it)"
        click.echo(
            f"The token of {pairing.name} is in {self._file}.\n"
            f"hosts: {', '.join(pairing.hosts)}{chosen}\n"
            f"Next, {_NEXT.format(file=self._file.name)}\n"
            "Then delete the file here."
        )


def token(pairing: Pairing, config: Config) -> Token:
    """Return all that a client needs to know."""
    return Token(
        name=pairing.name,
        pairing_id=pairing.token_id,
        hosts=pairing.hosts,
        port=pairing.port,
        secret=pairing.secret,
        parameters=pairing.parameters,
        admission_s=config.timeout_s if config.admit is Admit.TIMED else 0,
    )


def require_room(store: Store, config: Config, window: int) -> None:
    """Raise UsageError where the engine cannot listen for so many more doors.

    Pairings that are disabled count, so that they can be enabled again.
    """
    kept = [p for p in store.pairings() if p.stage is not Stage.REPLACED]
    doors = sum(p.parameters.window for p in kept) + window + len(store.sessions())
    capacity = engine(store, config).capacity
    if doors > capacity:
        raise UsageError(
            f"knockd cannot listen for {doors} doors: it would take too long to start",
            f"it serves up to {capacity} here; a smaller --window needs fewer",
        )


def parse_hosts(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what ``--host`` named; raises BadInput."""
    return tuple(parse_host(text) for text in texts)


def own_address(config: Config) -> str:
    """Return the address that clients reach this server by, as far as it can tell."""
    found = interfaces.reachable(interfaces.addresses(config.interface))
    if not found:
        raise UsageError(
            f"{config.interface} has no address to tell the client", "name one: --host HOST"
        )
    return str(found[0])
