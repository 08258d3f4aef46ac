"""Printing ``sshknock status``, once or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from sshknock.client.status import single, table
from sshknock.client.status.advice import next_step
from sshknock.client.status.keys import Keys
from sshknock.client.status.looks import Look
from sshknock.errors import UsageError

_WIDE = 500  # a line stays a line, whatever the terminal makes of it
_ROOM = 3  # lines of a terminal that are no rows: two heads, and a word about the rest


def show(looks: Sequence[Look], *, one: bool) -> None:
    """Print the looks as a table; with ``one``, all that is known of the only one."""
    terminal = Console(highlight=False, markup=False)
    now = time.time()
    if one:
        printed = single.lines(looks[0], now=now)
    elif sys.stdout.isatty():
        printed = [
            *table.lines(looks, now=now, width=terminal.width),
            *table.advice(looks),
        ]
    else:  # for programs: rows and nothing else
        printed = table.lines(looks, now=now)
    Console(highlight=False, markup=False, width=_WIDE).print(Group(*printed))


def watch(look: Callable[[], Sequence[Look]], seconds: float, *, one: bool) -> None:
    """Show it anew every few seconds, until q or ^C; then leave the last one standing."""
    terminal = Console(highlight=False, markup=False)
    if not sys.stdout.isatty() or terminal.is_dumb_terminal:
        raise UsageError(
            "--watch draws on a terminal, and the output is none",
            "leave it out, or ask again and again: 'sshknock status --json'",
        )
    looks = look()
    try:
        with (
            Keys(sys.stdin) as keys,
            Live(console=terminal, screen=True, auto_refresh=False) as live,
        ):
            while True:
                head = Text(f"every {seconds:g} s, {time.strftime('%H:%M:%S')}; q ends", "dim")
                live.update(Group(head, *_frame(looks, terminal, one=one)), refresh=True)
                if keys.asked_to_quit(seconds):
                    break
                looks = look()
    except KeyboardInterrupt:
        pass
    terminal.print(Group(*_frame(looks, terminal, one=one)))


def _frame(looks: Sequence[Look], terminal: Console, *, one: bool) -> list[Text]:
    """Return what fits the terminal."""
    now = time.time()
    if one:
        return single.lines(looks[0], now=now)
    room = max(1, terminal.height - _ROOM)
    shown = looks if len(looks) <= room else sorted(looks, key=_rank)[: room - 1]
    left = len(looks) - len(shown)
    rest = [Text(f"and {left} more")] if left else []
    return [*table.lines(shown, now=now, width=terminal.width), *rest]


def _rank(look: Look) -> tuple[bool, bool, int]:
    """Order what a person watches for: what runs, what needs them, what was used last."""
    last = 0 if look.state is None or look.state.last_train is None else look.state.last_train
    needs = look.problem is not None or next_step(look) is not None
    return (look.sessions == 0, not needs, -last)
