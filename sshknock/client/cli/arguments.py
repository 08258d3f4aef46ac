"""What several commands take: the name of a pairing, a file with a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from sshknock.client import config
from sshknock.client.config import Config
from sshknock.errors import SshknockError

NO_PAIRINGS = "no pairings yet: 'sshknock enroll' makes one"


def _complete_name(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    try:
        known = config.load()
    except SshknockError:
        return []
    return [CompletionItem(name) for name in known.pairings if name.startswith(incomplete)]


def names(known: Config, name: str | None) -> list[str]:
    """Return the one that was asked for, or all; raise NoSuchPairing."""
    return list(known.pairings) if name is None else [known.named(name).name]


name_argument: Callable[[Any], Any] = click.argument("name", shell_complete=_complete_name)
optional_name: Callable[[Any], Any] = click.argument(
    "name", required=False, shell_complete=_complete_name
)
several_names: Callable[[Any], Any] = click.argument(
    "names", nargs=-1, metavar="[NAME]...", shell_complete=_complete_name
)
