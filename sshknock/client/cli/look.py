"""Commands that look and tell: how it stands, and what is wrong."""

from __future__ import annotations

import json

import click

from sshknock.client import config
from sshknock.client.cli.arguments import NO_PAIRINGS, names, optional_name, several_names
from sshknock.errors import UsageError, report

_EVERY_S = 2.0
_SHORTEST_S = 0.2


class _Watching(click.Command):
    """A command whose ``--watch`` may go without its number, a name of a pairing behind it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a bare ``--watch`` its number."""
        given = [
            f"--watch={_EVERY_S:g}" if word == "--watch" and not _is_number(after) else word
            for word, after in zip(args, [*args[1:], ""], strict=False)
        ]
        return super().parse_args(ctx, given)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


@click.command(cls=_Watching, short_help="Show the pairings, and what to do next.")
@several_names
@click.option("--check", is_flag=True, help="Ask each server's port now whether it is hidden.")
@click.option(
    "--watch",
    type=click.FloatRange(min=_SHORTEST_S),
    metavar="[SECONDS]",
    help=f"Show it anew every {_EVERY_S:g} seconds, or so many; q ends.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def status(names: tuple[str, ...], check: bool, watch: float | None, as_json: bool) -> None:
    """Show each pairing: its server, last login, sessions, counters, and what to do next.

    One NAME shows all that is known of it. Whether a port is hidden is what the last logins saw;
    --check asks now, with one packet for each server, and takes at most six seconds.
    """
    if watch is not None and (check or as_json):
        raise UsageError(
            "--watch goes with neither --check nor --json", "ask for one of them at a time"
        )
    from sshknock.client.status import looks as reading  # noqa: PLC0415

    def look() -> list[reading.Look]:
        known = config.load()
        chosen = [known.named(name) for name in dict.fromkeys(names)]
        found = reading.look_at(chosen or known.pairings.values())
        return found if as_json else reading.with_blocks(found)

    found = look()
    if check:
        from sshknock.client.status.check import ask_ports  # noqa: PLC0415

        found = ask_ports(found)
    if as_json:
        click.echo(json.dumps(reading.as_json(found), indent=2))
    elif not found:
        click.echo(NO_PAIRINGS)
    else:
        from sshknock.client.status import show  # noqa: PLC0415  slow to import

        if watch is None:
            show.show(found, one=len(names) == 1)
        else:
            show.watch(look, watch, one=len(names) == 1)
            return
    failures = reading.problems(found)
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
