"""The names of hosts in the user's own ``~/.ssh/config``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from sshknock.client import ssh_config
from sshknock.errors import SystemFault

_LINE = re.compile(r"\s*(host|include)\s*(?:\s|=)\s*(.*)", re.IGNORECASE)
_DEEPEST = 16  # as ssh has it
_NOT_A_NAME = frozenset("*?!")


def matching(pattern: str) -> list[str]:
    """Return the names of Host lines that a pattern with ``*`` and ``?`` matches, in their order.

    Patterns in those lines are no names. What is included counts, wherever it stands: whether a
    Match lets it in today cannot be told from here. Raises SystemFault for a file that cannot be
    read; that there is none means that there are no names.
    """
    found = dict.fromkeys(_names(ssh_config.folder() / "config", _DEEPEST))
    return [name for name in found if fnmatchcase(name, pattern)]


def _names(file: Path, depth: int) -> Iterator[str]:
    for line in _lines(file):
        match = _LINE.match(line)
        if match is None:
            continue
        try:
            words = shlex.split(match[2], comments=True)
        except ValueError:  # ssh will say so
            continue
        if match[1].lower() == "host":
            yield from (word for word in words if _NOT_A_NAME.isdisjoint(word))
        elif depth:
            for word in words:
                for included in _included(word):
                    yield from _names(included, depth - 1)


def _included(word: str) -> list[Path]:
    path = ssh_config.folder() / Path(word).expanduser()
    return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SystemFault(f"cannot read {file}: {error.strerror}") from error
