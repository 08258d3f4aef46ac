"""``sshknock-server status`` and ``render``: looking, without changing anything."""

from __future__ import annotations

import json
import sys

import click

from sshknock.server import books
from sshknock.server import status as server_status
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import (
    JSON_HELP,
    NO_CLIENTS,
    advice,
    hangs,
    listed,
    local_time,
    say,
)
from sshknock.server.engines.knockd import conf, conf_file
from sshknock.server.reconcile import engine
from sshknock.server.status import Line, Status


@click.command(short_help="Show what is hidden, and who uses it.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
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


@click.command(short_help="Print knockd.conf as it should be.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the file (the default).")
@click.option("--check", is_flag=True, help="Exit 0 when knockd.conf is what would be written.")
def render(*, to_stdout: bool, check: bool) -> int:
    """Print knockd.conf as it should be now. It holds the sequences: treat it as a secret."""
    with opened() as (config, store):
        if check:
            # A mistake in the administrator's part is his to mend: reconcile only says it again.
            conf.doors_of(conf.split(conf_file.read()).theirs)
        text = engine(store, config).file(books.doors(store))
        found = conf_file.read()
    same = found == text
    if to_stdout or not check:
        sys.stdout.buffer.write(conf_file.encode(text))
    elif same:
        click.echo("knockd.conf is up to date.")
    else:
        say("knockd.conf is not up to date: run 'sshknock-server reconcile'.")
    return 1 if check and not same else 0


def _show(now: Status) -> None:
    from rich import box  # noqa: PLC0415  heavy, and only people need it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    for sentence, style in _sentences(now):
        console.print(hangs(sentence), style=style, markup=False, soft_wrap=True)
    if not now.lines:
        say(NO_CLIENTS)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("client", "next", "doors", "sessions", "last open", "from"):
        table.add_column(
            title, justify="right" if title in {"next", "doors", "sessions"} else "left"
        )
    for line in now.lines:
        pairing = line.pairing
        table.add_row(
            _named(line),
            str(pairing.next),
            str(line.doors),
            str(line.sessions),
            "never" if pairing.last_open is None else local_time(pairing.last_open),
            pairing.last_address or "-",
        )
    console.print(table)


def _sentences(now: Status) -> list[tuple[str, str | None]]:
    """Return what is to be said of the port and of who needs no knock, and in which colour."""
    ports = listed(now.config.ports)
    said: list[tuple[str, str | None]] = []
    is_mended = now.problem is None or not now.exposed
    if is_mended or now.hiding.is_visible:
        sentence = now.hiding.sentence(ports, now.config.interface, now.at)
        said.append((sentence, "bold red" if now.hiding.is_visible else "bold green"))
    elif now.exposure is None or now.exposure.until is not None:
        said.append((f"Port {ports} is visible: our table is gone, or was changed.", "bold red"))
    advised = advice(now.hiding, now.config)
    if advised is not None:
        said.append((advised, None))
    if now.exposure is not None:
        is_over = now.exposure.until is not None and not now.hiding.is_visible and is_mended
        again = " It is hidden again." if is_over else ""
        said.append((f"{now.exposure.sentence(ports)}{again}", "bold red"))
    if now.config.always:
        said.append((f"Always admitted: {', '.join(map(str, now.config.always))}.", None))
    said += [
        (f"Admitted: {guest.address} until {local_time(guest.ends_at(now.at))}.", None)
        for guest in now.guests
    ]
    for complaint in now.complaints:
        said.append((f"Note: {complaint.what}; '{complaint.remedy}' mends it.", "bold yellow"))
    config = now.config
    said.append((f"Settings: admit {config.admit.value}, timeout {config.timeout_s} s.", None))
    if now.lines and now.sweep_chance:
        often = rounded_down(1 / now.sweep_chance)
        said.append((f"A random sweep of all ports gets in once in {often} times at most.", None))
    return said


def _named(line: Line) -> str:
    """Return a client's name, and what is unusual about it."""
    unusual = ["disabled"] * line.pairing.disabled + ["rotating"] * line.rotating
    return f"{line.pairing.name} ({', '.join(unusual)})" if unusual else line.pairing.name


def rounded_down(number: float) -> str:
    """Return a large number with its first digit only, as people read it: 600 000."""
    whole = int(number)
    step = 10 ** (len(str(whole)) - 1)
    return f"{whole // step * step:,}".replace(",", " ")
