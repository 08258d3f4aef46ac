"""Ranges and lists of ports as people write them: ``3000-65000`` and ``80,443``."""

from __future__ import annotations

import re

from sshknock.errors import BadInput
from sshknock.protocol.names import parse_port

_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})", re.ASCII)


def parse_range(text: str) -> tuple[int, int]:
    """Return both bounds of ``LOW-HIGH``; whether they fit is for ``Parameters`` to say."""
    found = _RANGE.fullmatch(text)
    if not found:
        raise BadInput(f"{text[:60]!r} is no range", "it is written LOW-HIGH, as 3000-65000")
    return int(found[1]), int(found[2])


def parse_ports(text: str) -> frozenset[int]:
    """Return the ports of a list with commas between; an empty text is an empty list."""
    return frozenset(parse_port(word) for word in text.split(",")) if text else frozenset()
