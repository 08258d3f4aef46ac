"""``sshknock-server status``, ``log`` and ``render``: looking, without changing anything."""

from __future__ import annotations

import json
import sys
import time

import click

from sshknock.server import books
from sshknock.server import status as server_status
from sshknock.server.cli.root import opened
from sshknock.server.engines.knockd import conf_file
from sshknock.server.reconcile import engine
from sshknock.server.status import Status


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON, a stable interface.")
def status(*, as_json: bool) -> None:
    """Show what is hidden, the pairings and their counters, and the sessions that run."""
    with opened() as (config, store):
        now = server_status.current(store, config)
    if as_json:
        click.echo(json.dumps(now.to_json()))
    else:
        _show(now)
    if now.problem is not None:
        raise now.problem


@click.command()
@click.option("-n", "--lines", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def log(lines: int, *, as_json: bool) -> None:
    """Show what happened: who opened, from where, when, and with which result."""
    with opened() as (_, store):
        events = store.events(lines)
    for event in events:
        if as_json:
            values = {"time": event.at, "event": event.kind, "pairing": event.pairing}
            click.echo(json.dumps({**values, "address": event.address, "detail": event.detail}))
        else:
            parts = (event.kind, event.pairing, event.address, event.detail)
            click.echo(f"{_local(event.at)}  {'  '.join(part for part in parts if part)}")


@click.command()
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the file (the default).")
@click.option("--check", is_flag=True, help="Exit 0 when knockd.conf is what would be written.")
def render(*, to_stdout: bool, check: bool) -> int:
    """Print knockd.conf as it should be now. It holds the sequences: treat it as a secret."""
    with opened() as (config, store):
        text = engine(store, config).file(books.doors(store))
        same = conf_file.read() == text
    if to_stdout or not check:
        sys.stdout.buffer.write(conf_file.encode(text))
    else:
        click.echo("knockd.conf is up to date." if same else "knockd.conf is not up to date.")
    return 1 if check and not same else 0


def _show(now: Status) -> None:
    from rich import box  # noqa: PLC0415  heavy, and only people need it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    ports = ", ".join(str(port) for port in now.config.ports)
    if now.exposed:
        console.print(f"[bold red]Port {ports} was exposed until now[/]: the table was gone.")
    else:
        console.print(f"Port {ports} is [bold green]hidden[/] on {now.config.interface}.")
    for complaint in now.complaints:
        console.print(f"[bold yellow]Note:[/] {complaint}; 'sshknock-server init' mends it.")
    console.print(
        f"Engine {now.config.engine.value}, admit {now.config.admit.value},"
        f" timeout {now.config.timeout_s} s.",
        f"A sweep of all ports opens a door with a chance of {now.sweep_chance:.1e}.",
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("client", "next", "doors", "sessions", "last open", "from"):
        table.add_column(
            title, justify="right" if title in {"next", "doors", "sessions"} else "left"
        )
    for line in now.lines:
        pairing = line.pairing
        table.add_row(
            pairing.name,
            str(pairing.next),
            str(line.doors),
            str(line.sessions),
            "never" if pairing.last_open is None else _local(pairing.last_open),
            pairing.last_address or "-",
        )
    if now.lines:
        console.print(table)
    else:
        console.print("No clients yet: 'sshknock-server client add NAME' makes one.")


def _local(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
