"""A page for man(1): sections, paragraphs, lists of terms, and text as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What roff would set as a typographic mark is what people copy to a terminal.
_AS_TYPED = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}
_MARKED = re.compile(r"``(.+?)``|\*\*(.+?)\*\*")


def plain(text: str) -> str:
    """Return text that roff sets as it is."""
    set_text = "".join(_AS_TYPED.get(character, character) for character in text)
    return f"\\&{set_text}" if set_text.startswith(".") else set_text


def bold(text: str) -> str:
    """Return text that stands out: a program, an option."""
    return f"\\fB{plain(text)}\\fR"


def marked(text: str) -> str:
    """Return prose in one line; what is in double backquotes or asterisks stands out."""
    text = " ".join(text.split())
    parts, end = [], 0
    for match in _MARKED.finditer(text):
        parts += [plain(text[end : match.start()]), bold(match[1] or match[2])]
        end = match.end()
    return "".join([*parts, plain(text[end:])])


class Page:
    """The text of a page as it grows, in the macros of man(7)."""

    def __init__(self, name: str, section: int, source: str) -> None:
        # No date: the same source makes the same page, and the version says how old it is.
        self._lines = [f'.TH {plain(name.upper())} {section} "" "{plain(source)}"', ".nh", ".ad l"]

    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def section(self, title: str) -> None:
        """Begin a section."""
        self._lines.append(f".SH {plain(title)}")

    def subsection(self, title: str) -> None:
        """Begin a part of a section."""
        self._lines.append(f".SS {plain(title)}")

    def paragraph(self, text: str) -> None:
        """Add a paragraph, which is set already; below a heading the space is there."""
        if not self._lines[-1].startswith((".SH", ".SS")):
            self._lines.append(".PP")
        self._lines.append(text)

    def item(self, term: str, text: str) -> None:
        """Add a term and what it means, which may be nothing; both are set already."""
        self._lines += [".TP", term, text or r"\&"]

    def as_it_stands(self, lines: Iterable[str]) -> None:
        """Add lines that are not filled."""
        self._lines += [".PP", ".nf", ".RS 4", *map(plain, lines), ".RE", ".fi"]
