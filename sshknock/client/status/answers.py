"""What a server's port answers to one SYN that no knock came before."""

from __future__ import annotations

from enum import Enum


class Answer(Enum):
    """The answer, or why the port was not asked; the value is that of ``status --check --json``."""

    REFUSED = "refused"
    SILENT = "silent"
    OPEN = "open"
    UNREACHABLE = "unreachable"
    NO_ADDRESS = "no address"
    BUSY = "busy"
    ADMITTED = "admitted"

    @property
    def hidden(self) -> bool | None:
        """Whether the port is hidden; None when the answer does not tell."""
        return {Answer.REFUSED: True, Answer.SILENT: True, Answer.OPEN: False}.get(self)
