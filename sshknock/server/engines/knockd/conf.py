"""knockd.conf: the administrator's part stays byte for byte, ours is a marked block at the end.

knockd has no mode that only checks a file, and a file that it cannot parse ends it. So nothing is
written that this parser, which follows knockd 0.8's, does not read back as it was meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sshknock.errors import BadInput

BEGIN = "# >>> sshknock: made by 'sshknock-server'; changes inside this block are lost >>>"
_NO_NEWLINE = "# (the line above had no end of line)"
END = "# <<< sshknock <<<"
DISABLED = "#sshknock-disabled# "

_LINE_LONGEST = 4095  # knockd reads lines into PATH_MAX bytes
_PORTS_A_DOOR = 32
_OPTION_KEYS = {"usesyslog", "logfile", "pidfile", "interface"}
_DOOR_KEYS = {
    "target", "sequence", "one_time_sequences", "seq_timeout", "timeout", "start_command",
    "start_command_6", "stop_command", "stop_command_6", "cmd_timeout", "tcpflags", "command",
}  # fmt: skip
_STOCK_SEQUENCES = {"7000,8000,9000", "9000,8000,7000", "12345,54321,24680,13579"}


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name, its directives in order, and the number of its first line."""

    name: str
    directives: tuple[tuple[str, str], ...]
    line: int

    def value(self, key: str) -> str | None:
        """Return the last value of a directive."""
        values = [value for name, value in self.directives if name == key]
        return values[-1] if values else None

    def render(self) -> str:
        """Return the section's text."""
        lines = [f"[{self.name}]", *(f"\t{key} = {value}" for key, value in self.directives)]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class File:
    """A whole file, cut in two: what the administrator wrote, and our block's inside."""

    theirs: str
    ours: str | None

    def render(self) -> str:
        """Return the file's text; without a block it is the administrator's, byte for byte."""
        if self.ours is None:
            return self.theirs
        head = self.theirs
        note = ""
        if head and not head.endswith("\n"):
            head, note = head + "\n", _NO_NEWLINE + "\n"
        return f"{head}{BEGIN}\n{note}{self.ours}{END}\n"


def split(text: str) -> File:
    """Cut a file in two; raise BadInput when the marks of our block are damaged."""
    lines = _lines(text)
    begins = [i for i, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [i for i, line in enumerate(lines) if line.strip() == END]
    if not begins and not ends:
        return File(text, None)
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise BadInput(
            "the marks of our block in knockd.conf are damaged",
            f"remove every line that is {BEGIN!r} or {END!r} and what stands between them",
        )
    before, inside = "".join(lines[: begins[0]]), lines[begins[0] + 1 : ends[0]]
    after = "".join(lines[ends[0] + 1 :])
    if inside and inside[0].rstrip("\n") == _NO_NEWLINE:
        inside = inside[1:]
        if not after:  # else it must not run into what was written below our block
            before = before.removesuffix("\n")
    return File(before + after, "".join(inside))


def parse(text: str) -> list[Section]:
    """Read sections as knockd does; raise BadInput with the line where knockd would give up."""
    sections: list[Section] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if len(raw.encode()) > _LINE_LONGEST:
            raise _error(number, "is longer than knockd reads")
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
            if not name:
                raise _error(number, "has an empty section name")
            sections.append(Section(name, (), number))
            continue
        if not sections:
            raise _error(number, "stands before the first section")
        key, equals, value = line.partition("=")
        directive = (key.strip().lower(), value.strip())
        _check_directive(sections[-1], directive, equals, number)
        last = sections[-1]
        sections[-1] = Section(last.name, (*last.directives, directive), last.line)
    for section in sections:
        _check_section(section)
    return sections


def doors_of(text: str) -> list[Section]:
    """Return the sections that knockd would listen for."""
    return [section for section in parse(text) if section.name != "options"]


def disable_stock(text: str) -> str:
    """Turn the example sections of Debian's file into comments: anybody can knock them."""
    lines = _lines(text)
    starts = [s.line - 1 for s in parse(text)] + [len(lines)]
    for section, start, end in zip(parse(text), starts, starts[1:], strict=False):
        if section.value("sequence") in _STOCK_SEQUENCES:
            for i in range(start, end):
                if lines[i].strip() and not lines[i].lstrip().startswith("#"):
                    lines[i] = DISABLED + lines[i]
    return "".join(lines)


def enable_stock(text: str) -> str:
    """Turn back what ``disable_stock`` did."""
    lines = _lines(text)
    return "".join(line.removeprefix(DISABLED) for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines with their ends; only the newline ends one, as for knockd."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _check_directive(
    section: Section, directive: tuple[str, str], equals: str, number: int
) -> None:
    key, value = directive
    if not equals and key != "usesyslog":
        raise _error(number, "is no section, no directive and no comment")
    known = _OPTION_KEYS if section.name == "options" else _DOOR_KEYS
    if key not in known:
        raise _error(number, f"has an unknown directive {key!r}")
    if key in {"seq_timeout", "timeout", "cmd_timeout"} and not value.isdecimal():
        raise _error(number, f"needs a whole number of seconds for {key}")
    if key == "sequence":
        _check_sequence(value, number)


def _check_sequence(value: str, number: int) -> None:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > _PORTS_A_DOOR:
        raise _error(number, f"has more than {_PORTS_A_DOOR} ports")
    for part in parts:
        port, colon, transport = part.partition(":")
        if not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004  the highest port
            raise _error(number, f"has {part!r} where a port should be")
        if colon and transport.lower() not in {"tcp", "udp"}:
            raise _error(number, f"has an unknown protocol in {part!r}")


def _check_section(section: Section) -> None:
    if section.name == "options":
        return
    if not (section.value("sequence") or section.value("one_time_sequences")):
        raise _error(section.line, f"begins the section {section.name!r}, which has no sequence")


def _error(number: int, what: str) -> BadInput:
    return BadInput(
        f"knockd.conf: line {number} {what}",
        "mend that line; until then the file and the running knockd stay as they are",
    )
