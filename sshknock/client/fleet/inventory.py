"""Which servers are to be enrolled.

A file has a line for each, ``[NAME] [USER@]HOST``; what follows a ``#`` is a comment. HOST is as
one would say it to ssh today, and NAME is what it is called afterwards: HOST itself where it is
left out. A HOST with ``*`` or ``?`` stands for all names in ``~/.ssh/config`` that it matches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sshknock.client.fleet.ssh_hosts import matching
from sshknock.client.remote.connection import parse_via
from sshknock.errors import BadInput, SshknockError, SystemFault, UsageError
from sshknock.protocol.names import parse_name, shown
from sshknock.records import record

_WILDCARDS = frozenset("*?")
_MARK = "\N{BYTE ORDER MARK}"  # some editors begin a file with it


@record
class Entry:
    """One server: what it will be called here, and how ssh gets there today."""

    name: str
    via: str


def read(where: str) -> list[Entry]:
    """Read a file, ``-`` being standard input, or expand a pattern.

    Raises UsageError for what is neither, and BadInput, which names the line.
    """
    try:
        if where == "-":
            return parse(sys.stdin.read(), "standard input")
        path = Path(os.path.expanduser(where))  # noqa: PTH111  the other one raises
        if not _WILDCARDS.isdisjoint(where) and not os.path.lexists(path):
            return parse(where, None)
        return parse(path.read_text(encoding="utf-8"), where)
    except FileNotFoundError:
        raise UsageError(
            f"there is no file {shown(where)}",
            "a line a host in a file, or a pattern of names in ~/.ssh/config: 'web*'",
        ) from None
    except OSError as error:
        raise SystemFault(f"cannot read {where}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{shown(where)} is no text") from error


def parse(text: str, where: str | None) -> list[Entry]:
    """Return the servers that a text names, in its order.

    ``where`` is for the messages; None when the text is one pattern, given as it is.
    """
    found: dict[str, Entry] = {}
    for number, line in enumerate(text.removeprefix(_MARK).splitlines(), start=1):
        try:
            entries = list(_entries(line.partition("#")[0].split()))
            for entry in entries:
                if found.setdefault(entry.name.lower(), entry) != entry:
                    raise BadInput(
                        f"there are two servers {entry.name!r}", "give one of them another NAME"
                    )
        except SshknockError as error:
            place = "" if where is None else f"{where}, line {number}: "
            raise BadInput(place + error.message, error.hint) from error
    if not found:
        raise BadInput(
            f"{where or shown(text)} names no server", "a line for each: [NAME] [USER@]HOST"
        )
    return list(found.values())


def _entries(words: list[str]) -> Iterator[Entry]:
    """Yield the servers of one line."""
    if not words:
        return
    if len(words) > 2:  # noqa: PLR2004  NAME and HOST
        raise BadInput("there are more than two words", "[NAME] [USER@]HOST")
    *names, via = words
    user, at, host = via.rpartition("@")
    if _WILDCARDS.isdisjoint(host):
        parse_via(via)
        yield Entry(_name(names[0] if names else host), via)
        return
    if names:
        raise BadInput("a pattern takes no NAME: each host keeps its own", f"{via} alone")
    hosts = matching(host)
    if not hosts:
        raise BadInput(f"no Host in ~/.ssh/config is like {shown(host)}")
    for one in hosts:
        parse_via(user + at + one)
        yield Entry(_name(one), user + at + one)


def _name(text: str) -> str:
    try:
        return parse_name(text)
    except BadInput as error:
        raise BadInput(error.message, "say before the host what it is to be called") from error
