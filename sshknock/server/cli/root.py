"""What every command of the administrator's program needs: root, the settings, the books."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from sshknock.errors import EXIT_FAILED, UsageError
from sshknock.server import access
from sshknock.server.cli.words import hangs, say
from sshknock.server.config import Config, load
from sshknock.server.store import Store


def require_root() -> None:
    """Raise UsageError for anybody but root."""
    if os.geteuid() != 0:
        raise UsageError("this needs root", "run it with sudo, or as root")


@contextmanager
def opened() -> Iterator[tuple[Config, Store]]:
    """Give the settings and the books, under the lock; raise NotSetUp where there are none."""
    require_root()
    load()  # before the lock, whose folder is missing where there is no server
    with access.opened() as server:
        yield server


@contextmanager
def reading() -> Iterator[Store]:
    """Give the books to somebody who only reads, without the lock; raise NotSetUp."""
    require_root()
    load()
    store = Store()
    try:
        yield store
    finally:
        store.close()


def confirm(question: str, *, yes: bool, asks_before: str) -> None:
    """Ask, unless it was answered with --yes; end the program with 1 when the answer is no.

    ``asks_before`` says who asks before what; raises UsageError with it where nobody can answer.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{asks_before}, and there is no terminal", "--yes answers")
    if not click.confirm(hangs(question)):
        say("Nothing was changed.")
        raise click.exceptions.Exit(EXIT_FAILED)
