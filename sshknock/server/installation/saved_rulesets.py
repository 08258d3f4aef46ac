"""Rulesets that the machine loads at boot, and that hold a copy of our table.

``nft list ruleset > /etc/nftables.conf`` saves all that is in the kernel. While sshknock is
installed the copy does no harm: the boot unit makes the table anew. Without it the copy hides the
port at the next boot, and nothing opens it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sshknock.server import paths
from sshknock.server.firewall.table import TABLE

HOW_TO_MEND = f"delete 'table {TABLE} {{ ... }}' from that file"

_FAMILY, _NAME = TABLE.split()
_OURS = re.compile(
    rf"^\s*(add\s+|create\s+)?table\s+{_FAMILY}\s+{_NAME}(?=[\s{{;]|$)", re.MULTILINE
)
_INCLUDE = re.compile(r"""^\s*include\s+["']([^"']+)["']""", re.MULTILINE)


def with_our_table() -> list[Path]:
    """Return the files that hold our table, those that others include among them."""
    return [path for path, text in _rulesets() if _OURS.search(text)]


def _rulesets() -> Iterator[tuple[Path, str]]:
    todo = list(paths.SAVED_RULESETS)
    seen: set[Path] = set()
    while todo:
        path = todo.pop(0)
        if path in seen:
            continue
        seen.add(path)
        try:
            text = path.read_bytes().decode(errors="replace")
        except OSError:
            continue  # most machines have one of them, or none
        yield path, text
        for pattern in _INCLUDE.findall(text):
            # nft looks for a relative name in /etc first; an absolute one replaces the folder
            whole = Path("/etc", pattern)
            todo += sorted(Path("/").glob(str(whole.relative_to("/"))))
