"""``sshknock-server status``: what is hidden, and who uses it, now."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from sshknock.server import status as server_status
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP
from sshknock.server.status import Status

if TYPE_CHECKING:
    from rich.console import Console, Group

_EVERY_S = 2


@click.command(short_help="Show what is hidden, and who uses it.")
@click.option(
    "--watch",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=_EVERY_S,
    metavar="[SECONDS]",
    help=f"Show it anew every {_EVERY_S} seconds, or so many, until ^C.",
)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def status(*, watch: int | None, as_json: bool) -> None:
    """Show what is hidden, the pairings and their counters, and the sessions that run."""
    if watch is not None:
        _watch(watch, as_json=as_json)
        return
    now = _look()
    if as_json:
        click.echo(json.dumps(now.to_json()))
    else:
        console = _console()
        console.print(_picture(now, console), soft_wrap=True)
    if now.problem is not None:
        raise now.problem


def _watch(every_s: int, *, as_json: bool) -> None:
    """Show it again and again: on a screen of its own at a terminal, else one after the other."""
    try:
        if as_json:
            while True:
                click.echo(json.dumps(_look().to_json()))
                time.sleep(every_s)
        _watch_for_people(every_s)
    except KeyboardInterrupt:  # how everybody ends it
        return


def _watch_for_people(every_s: int) -> None:
    from rich.live import Live  # noqa: PLC0415  heavy, and only people need it

    console = _console()
    if not console.is_terminal:
        while True:
            console.print(_picture(_look(), console), "", soft_wrap=True)
            time.sleep(every_s)
    with Live(console=console, screen=True, auto_refresh=False) as screen:
        while True:
            screen.update(_picture(_look(), console), refresh=True)
            time.sleep(every_s)


def _look() -> Status:
    with opened() as (config, store):
        return server_status.current(store, config)


def _picture(now: Status, console: Console) -> Group:
    from sshknock.server.cli.status_view import picture  # noqa: PLC0415  the same

    return picture(now, console.width if console.is_terminal else None)


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415  the same

    return Console(highlight=False)
