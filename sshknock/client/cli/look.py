"""Commands that look and tell: how it stands, and what is wrong."""

from __future__ import annotations

import json

import click

from sshknock.client import config
from sshknock.client.cli.arguments import NO_PAIRINGS, names, optional_name
from sshknock.errors import SshknockError, report


@click.command(short_help="Show the pairings.")
@optional_name
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def status(name: str | None, as_json: bool) -> None:
    """Show each pairing: its server, counters, last use and sessions."""
    from sshknock.client import status as view  # noqa: PLC0415

    known = config.load()
    rows, failures = [], []
    for one in names(known, name):
        try:
            rows.append(view.look(known.named(one)))
        except SshknockError as error:
            failures.append(error)
    if as_json:
        click.echo(json.dumps(view.as_json(rows), indent=2))
    elif rows:
        view.show(rows)
    elif not failures:
        click.echo(NO_PAIRINGS)
    for failure in failures[:-1]:
        report(failure)
    if failures:
        raise failures[-1]


@click.command(short_help="Find out what is wrong, and what to do.")
@optional_name
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def doctor(name: str | None, as_json: bool) -> int:
    """Find out what is wrong between here and a server, and what to do about it.

    Connects plainly, and sends up to eight sequences. Exit codes: 0 all is well, 1 something is
    wrong, 4 the keyring, 5 the server did not open and it cannot be told from here why.
    """
    from sshknock.client.doctor.report import examine  # noqa: PLC0415

    known = config.load()
    if not known.pairings and name is None and not as_json:
        click.echo(NO_PAIRINGS)
    return examine(names(known, name), known, as_json=as_json)
