"""Lines that fit the terminal on which they are read."""

from __future__ import annotations

import os
import re
from typing import TextIO

_COMMAND = re.compile(r"(?<!\w)'[^']+'(?!\w)")
_SPACE_KEPT = "\0"
_NARROWEST = 40


def fitted(line: str, stream: TextIO, *, hang: int) -> str:
    """Break a line at the width of the terminal that a stream is; the rest hangs ``hang`` deep.

    Where the stream is no terminal, or one too narrow for it, a line stays one line. A command in
    quotation marks is not broken, so that it can be copied.
    """
    width = _width(stream)
    if len(line) <= width or width < _NARROWEST:
        return line
    import textwrap  # noqa: PLC0415  errors are reported by sshknock-proxy, which starts fast

    kept = _COMMAND.sub(lambda found: found[0].replace(" ", _SPACE_KEPT), line)
    lines = textwrap.wrap(
        kept,
        width,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_SPACE_KEPT, " ")


def _width(stream: TextIO) -> int:
    """Return the columns of a terminal; 0 for anything else."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # no terminal; no descriptor, or a closed one
        return 0
