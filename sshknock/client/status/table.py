"""All pairings as a table: a line each, whatever the width.

A name or a host is never cut or folded: it can be copied, and found by grep. At a terminal too
narrow for all columns the less telling ones are left out instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from rich.text import Text

from sshknock.client.status import words
from sshknock.client.status.advice import next_step, to_do
from sshknock.client.status.looks import Look
from sshknock.errors import one_line
from sshknock.wrapping import fitted

_GAP = "  "
_RIGHT = frozenset({"opened", "sent", "running"})

PROBLEM, TO_DO, RUNNING = "red", "yellow", "green"

Cell = tuple[str, str]


def lines(looks: Sequence[Look], *, now: float, width: int | None = None) -> list[Text]:
    """Return the head and a line a pairing; ``width`` is a terminal's, None is no limit."""
    if not looks:
        return []
    columns = {title: [make(look, now) for look in looks] for title, make in _COLUMNS.items()}
    widths = {
        title: max(len(title), *(len(text) for text, _ in cells))
        for title, cells in columns.items()
    }
    nothing_runs = not any(look.sessions for look in looks)
    droppable = ("sent", "opened", *(["running"] if nothing_runs else []), "port", "last login")
    for title in droppable:
        if width is None or sum(widths.values()) + len(_GAP) * (len(widths) - 1) <= width:
            break
        del widths[title]
    head = {title: (title, "bold") for title in widths}
    rows = [{title: columns[title][number] for title in widths} for number in range(len(looks))]
    return [_line(row, widths) for row in (head, *rows)]


def advice(looks: Sequence[Look]) -> list[Text]:
    """Return what to do, a line each, under a blank one; nothing when there is nothing to do."""
    found = to_do(looks)
    if not found:
        return []
    longest = max(len(command) for command, _ in found)
    told = [
        Text(fitted(f"  {command:{longest}}  {why}", sys.stdout, hang=longest + 4))
        for command, why in found
    ]
    return [Text(), Text("next:", style="bold"), *told]


def _line(row: dict[str, Cell], widths: dict[str, int]) -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    for title, (text, style) in row.items():
        padded = text.rjust(widths[title]) if title in _RIGHT else text.ljust(widths[title])
        line.append(padded, style or None)
        line.append(_GAP)
    line.rstrip()
    return line


def _next(look: Look, _now: float) -> Cell:
    if look.problem is not None:
        return one_line(look.problem.message), PROBLEM
    step = next_step(look)
    return ("", "") if step is None else (step.short.format(name=look.pairing.name), TO_DO)


def _port(look: Look, _now: float) -> Cell:
    shown = words.port(look)
    if look.seen_hidden is False:
        return shown, TO_DO
    return shown, ""


def _sent(look: Look, _now: float) -> Cell:
    return (words.counter(look.state.counters.sent) if look.state else words.UNKNOWN), ""


def _opened(look: Look, _now: float) -> Cell:
    return (words.counter(look.state.counters.confirmed) if look.state else words.UNKNOWN), ""


def _last_login(look: Look, now: float) -> Cell:
    return (words.ago(look.state.last_open, now) if look.state else words.UNKNOWN), ""


def _running(look: Look, _now: float) -> Cell:
    return str(look.sessions), RUNNING if look.sessions else ""


_COLUMNS: dict[str, Callable[[Look, float], Cell]] = {
    "pairing": lambda look, _now: (look.pairing.name, ""),
    "server": lambda look, _now: (words.server(look.pairing), ""),
    "port": _port,
    "last login": _last_login,
    "running": _running,
    "opened": _opened,
    "sent": _sent,
    "next": _next,
}
