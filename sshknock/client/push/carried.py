"""What of a pairing's sequences a file holds, and how far knockd has got in it.

The lines are the open sequences of consecutive counters, so the file says by itself which ones
they are: nothing that was broken off is remembered, it is found and completed.
"""

from __future__ import annotations

from collections.abc import Callable

from sshknock.errors import BadInput
from sshknock.protocol.knocks import Sequence
from sshknock.protocol.sequence_file import Line, parse, render
from sshknock.records import record

SequenceOf = Callable[[int], Sequence]


@record
class Carried:
    """A file's counters: from ``first`` to before ``end``; knockd accepts ``following`` now.

    ``missing`` is the rest of the last line, when an append was broken off in it. Where all lines
    are used ``following`` is ``end``, and knockd has ended.
    """

    first: int
    end: int
    following: int
    missing: str = ""


def render_counters(sequence_of: SequenceOf, first: int, end: int) -> str:
    """Return the lines of the counters from ``first`` to before ``end``, all unused."""
    return render(Line(sequence_of(counter)) for counter in range(first, end))


def read_carried(data: bytes, sequence_of: SequenceOf, known_end: int) -> Carried | None:
    """Return what a file holds, None for one without any sequence.

    ``known_end`` is where the list ends for all that the client knows; it may go on from there.
    Raises BadInput for a file that is not this pairing's.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise BadInput("it is no list of sequences") from None
    *_, tail = text.rpartition("\n")
    lines = parse(text.removesuffix(tail))
    if not lines and not tail.strip():
        return None
    first = _first(lines, sequence_of, known_end)
    end = first
    for line in lines:
        if line.sequence != sequence_of(end):
            raise BadInput(f"its sequence of counter {end} is another one than this pairing's")
        end += 1
    following = next((first + i for i, line in enumerate(lines) if not line.used), end)
    if not tail:
        return Carried(first, end, following)
    whole = render_counters(sequence_of, end, end + 1)
    if not whole.startswith(tail):
        raise BadInput("its last line is no sequence of this pairing's")
    return Carried(first, end + 1, following, whole.removeprefix(tail))


def _first(lines: tuple[Line, ...], sequence_of: SequenceOf, known_end: int) -> int:
    """Return the counter of the first line."""
    for counter in range(known_end + 1):
        if lines and sequence_of(counter) == lines[0].sequence:
            return counter
    raise BadInput("it holds other sequences than this pairing's")
