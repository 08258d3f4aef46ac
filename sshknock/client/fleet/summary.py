"""The summary of a run over many servers: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from sshknock.client.fleet.runner import Outcome, Result
from sshknock.errors import one_line

JSON_VERSION = 1
_WIDE = 500  # where it is no terminal that is written to, a server stays a line


def show(what: str, results: Sequence[Result], hint: str | None) -> None:
    """Print how it ended: what is not done, each with its reason, and how many are.

    ``what`` is what was done to a server (``rotated``), ``hint`` what to do about those left.
    """
    from rich.console import Console  # noqa: PLC0415  slow to import, and needed only here
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDE
    remarkable = [r for r in results if r.outcome is not Outcome.DONE]
    if remarkable:
        table = Table(box=None, pad_edge=False)
        for title in ("server", "result"):
            table.add_column(title, no_wrap=True)
        for title in ("why", "what to do"):
            table.add_column(title)
        order = list(Outcome)
        for result in sorted(remarkable, key=lambda r: (order.index(r.outcome), r.name)):
            why, hint_ = one_line(result.message), one_line(result.hint or "")
            table.add_row(result.name, result.outcome.value, why, hint_)
        console.print(table)
        console.print()
    console.print(_count(what, results))
    if hint is not None:
        console.print(hint)


def as_json(command: str, results: Sequence[Result]) -> str:
    """Return the stable form for programs."""
    servers = [
        {"name": r.name, "result": r.outcome.value, "message": r.message, "hint": r.hint}
        for r in results
    ]
    values: dict[str, Any] = {"version": JSON_VERSION, "command": command, "servers": servers}
    counts = Counter(result.outcome for result in results)
    values |= {outcome.value: counts[outcome] for outcome in Outcome}
    return json.dumps(values, indent=2)


def say(what: str, results: Sequence[Result], *, as_json_for: str | None, hint: str | None) -> None:
    """Print the summary in the form that was asked for."""
    if as_json_for is not None:
        click.echo(as_json(as_json_for, results))
    else:
        show(what, results, hint)


def _count(what: str, results: Sequence[Result]) -> str:
    counts = Counter(result.outcome for result in results)
    words = {Outcome.DONE: what, Outcome.SKIPPED: "skipped"}
    parts = [
        f"{counts[outcome]} {words.get(outcome, outcome.value)}"
        for outcome in Outcome
        if counts[outcome] or outcome is Outcome.DONE
    ]
    return f"{', '.join(parts)}, of {len(results)}"
