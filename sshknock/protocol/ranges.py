"""Ranges and lists as people write them: ``3000-65000``, ``3-6`` or ``5``, and ``80,443``."""

from __future__ import annotations

import re

from sshknock.errors import BadInput
from sshknock.protocol.names import parse_port

_RANGE = re.compile(r"([0-9]{1,5})-([0-9]{1,5})", re.ASCII)
_LENGTHS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)


def parse_range(text: str) -> tuple[int, int]:
    """Return both bounds of ``LOW-HIGH``; whether they fit is for ``Parameters`` to say."""
    found = _RANGE.fullmatch(text)
    if not found:
        raise BadInput(f"{text[:60]!r} is no range", "it is written LOW-HIGH, as 3000-65000")
    return int(found[1]), int(found[2])


def parse_lengths(text: str) -> tuple[int, int]:
    """Return how many knocks at least and at most: ``LOW-HIGH``, or one number that is both."""
    found = _LENGTHS.fullmatch(text)
    if not found:
        raise BadInput(
            f"{text[:60]!r} is no number of knocks", "it is written N or LOW-HIGH, as 5 or 3-6"
        )
    return int(found[1]), int(found[2] or found[1])


def parse_ports(text: str) -> frozenset[int]:
    """Return the ports of a list with commas between; an empty text is an empty list."""
    return frozenset(parse_port(word) for word in text.split(",")) if text else frozenset()
