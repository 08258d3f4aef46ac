"""What several commands take: the name of a client, which a shell can complete."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from sshknock.errors import SshknockError

_PATIENCE_S = 1.0
"""For the lock: somebody has pressed a key and waits."""


def _complete_name(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    from sshknock.server.access import opened  # noqa: PLC0415  only when a shell asks

    if os.geteuid() != 0:
        return []
    try:
        with opened(_PATIENCE_S) as (_, store):
            return [one.name for one in store.clients() if one.name.startswith(incomplete)]
    except SshknockError:
        return []


name_argument: Callable[[Any], Any] = click.argument("name", shell_complete=_complete_name)
