"""A file of one-time sequences, as the paper has it and a stock knockd reads it.

A line is a sequence, ``11045:tcp,61405:udp,39673:tcp``. knockd takes the first line that is not a
comment, and writes ``#`` over the first character of the line when it was used; so each line begins
with a space, or a digit of the first port would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from sshknock.errors import BadInput
from sshknock.protocol.knocks import Knock, Sequence, Transport, format_sequence
from sshknock.records import record

_MARK, _UNUSED = "#", " "
_PROTOCOLS = (Transport.TCP.value, Transport.UDP.value)
_KNOCK = re.compile(r"([0-9]{1,5}):(tcp|udp)", re.ASCII)


@record
class Line:
    """A sequence of the file; ``used`` tells that knockd has marked it."""

    sequence: Sequence
    used: bool = False


def render(lines: Iterable[Line]) -> str:
    """Return the text of a file; ``parse`` reads it back."""
    return "".join(
        f"{_MARK if line.used else _UNUSED}{format_sequence(line.sequence)}\n" for line in lines
    )


def unused_line(ports: Iterable[int], bits: Iterable[int]) -> str:
    """Return a line of ports and protocol bits, 1 for udp: for a million without a record each."""
    return _template(tuple(bits)) % tuple(ports)


@cache
def _template(bits: tuple[int, ...]) -> str:
    """Return a line in which the ports are missing: there are 504 of three to eight knocks."""
    return f"{_UNUSED}{','.join(f'%d:{_PROTOCOLS[bit]}' for bit in bits)}\n"


def parse(text: str) -> tuple[Line, ...]:
    """Read a file; what is behind ``#`` and no sequence is a comment.

    Raises BadInput for any other line, with its number.
    """
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.strip(" \t\r")
        used = words.startswith(_MARK)
        sequence = _sequence(words.removeprefix(_MARK))
        if sequence is not None:
            found.append(Line(sequence, used))
        elif words and not used:
            raise BadInput(
                f"line {number} is no sequence", "each is written as in 11045:tcp,61405:udp"
            )
    return tuple(found)


def _sequence(text: str) -> Sequence | None:
    knocks = [_knock(word) for word in text.split(",")]
    return tuple(knock for knock in knocks if knock) if all(knocks) else None


def _knock(text: str) -> Knock | None:
    found = _KNOCK.fullmatch(text)
    if found is None:
        return None
    try:
        return Knock(int(found[1]), Transport(found[2]))
    except BadInput:
        return None
