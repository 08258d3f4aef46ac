"""Commands that keep pairings good, over SSH: back in step, or with a new secret."""

from __future__ import annotations

import sys

import click

from sshknock.client import config
from sshknock.client.cli.arguments import NO_PAIRINGS, several_names
from sshknock.client.cli.several import all_option, chosen, do_all, jobs_option, json_option
from sshknock.client.config import Pairing
from sshknock.errors import EXIT_DONE, UsageError, report
from sshknock.protocol.counters import SEARCH_ATTEMPTS

_via_option = click.option(
    "--via", metavar="[USER@]HOST", help="Go there instead, by ssh's own settings."
)


@click.command(short_help="Get back in step.")
@several_names
@all_option
@click.option("--search", is_flag=True, help="By knocking only: try up to 128 counters.")
@_via_option
@click.option("--as", "called", metavar="NAME", help="What the pairing is called on the server.")
@jobs_option
@json_option
def sync(
    names: tuple[str, ...],
    *,
    everyone: bool,
    search: bool,
    via: str | None,
    called: str | None,
    jobs: int,
    as_json: bool,
) -> int:
    """Meet the server's counter again, when logins fail although all else is well.

    Over SSH: to the server's own port, without a knock where it answers, else by knocks, which open
    to a pair that is only a little out of step; or with --via through a jump host, a private
    network or another pairing.
    """
    if search and (via is not None or called is not None):
        raise UsageError("--search knocks, and goes nowhere by SSH", "leave --via and --as out")
    known = config.load()
    wanted = chosen(known, names, "sync", everyone=everyone)
    if len(wanted) == 1 and not everyone and not as_json:
        _sync_one(known.named(wanted[0]), search=search, via=via, called=called)
        return EXIT_DONE
    if search or via is not None or called is not None:
        raise UsageError("--search, --via and --as are for one pairing at a time")
    from sshknock.client.fleet.work import syncing  # noqa: PLC0415  slow to load

    if not wanted and not as_json:
        click.echo(NO_PAIRINGS)
        return EXIT_DONE
    tasks = [syncing(known.named(name)) for name in wanted]
    return do_all("sync", "in step", tasks, jobs=jobs, as_json=as_json)


def _sync_one(pairing: Pairing, *, search: bool, via: str | None, called: str | None) -> None:
    from sshknock.client import sync as meeting  # noqa: PLC0415  each command loads its own
    from sshknock.client.terminal import agrees, ask_password  # noqa: PLC0415

    if search:
        with click.progressbar(length=SEARCH_ATTEMPTS, label="searching", file=sys.stderr) as bar:
            met = meeting.search(pairing, lambda _attempt: bar.update(1))
        click.echo(f"{pairing.host} opened for counter {met.counter}: in step again")
    else:
        met = meeting.ask_server(pairing, via=via, called=called, ask=ask_password, agrees=agrees)
        click.echo(f"in step again: the next counter is {met.counter + 1}")
    warning = met.warning(pairing.name)
    if warning is not None:
        report(warning)


@click.command(short_help="Get a new secret.")
@several_names
@all_option
@click.option("--left", is_flag=True, help="Those that the last run over several has left.")
@_via_option
@jobs_option
@json_option
def rotate(
    names: tuple[str, ...],
    *,
    everyone: bool,
    left: bool,
    via: str | None,
    jobs: int,
    as_json: bool,
) -> int:
    """Give a pairing a new secret: when the old one may be known, or once in a while.

    Over SSH, through the pairing's own door or with --via another way. The old secret works until
    the new one has opened the door, which is tried at once; whatever is interrupted, the pairing
    works, and the same command goes on.
    """
    from sshknock.client.fleet.left import Left  # noqa: PLC0415  each command loads its own

    note = Left("rotate")
    known = config.load()
    if left:
        if names or everyone:
            raise UsageError("--left says itself which pairings", "leave the names and --all out")
        wanted = [name for name in note.read() if name in known.pairings]
    else:
        wanted = chosen(known, names, "rotate", everyone=everyone)
    if len(wanted) == 1 and not everyone and not left and not as_json:
        _rotate_one(known.named(wanted[0]), via)
        return EXIT_DONE
    if via is not None:
        raise UsageError("--via is for one pairing at a time")
    if not wanted and not as_json:
        click.echo("nothing is left to be done" if left else NO_PAIRINGS)
        return EXIT_DONE
    from sshknock.client.fleet.work import rotating  # noqa: PLC0415  slow to load

    note.begin(wanted)
    tasks = [rotating(known.named(name), note) for name in wanted]
    left_hint = "'sshknock rotate --left' does what is left, and no more"
    return do_all("rotate", "rotated", tasks, jobs=jobs, as_json=as_json, left=left_hint)


def _rotate_one(pairing: Pairing, via: str | None) -> None:
    from sshknock.client.rotate import rotate as renew  # noqa: PLC0415  each command loads its own
    from sshknock.client.terminal import agrees, ask_password  # noqa: PLC0415

    done = renew(pairing, via=via, ask=ask_password, tell=_tell, agrees=agrees)
    if done.resumed:
        click.echo(f"{pairing.name}: the rotation that was broken off is complete")
    else:
        click.echo(f"{pairing.name} has a new secret")
    warning = done.warning(pairing.name)
    if warning is not None:
        report(warning)


def _tell(step: str) -> None:
    """Show a step as it begins."""
    print(f"sshknock: {step}", file=sys.stderr, flush=True)
