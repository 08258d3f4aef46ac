"""Commands that do the same to several servers: which ones, how many at once, and the end of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from sshknock.client.config import Config
from sshknock.errors import EXIT_DONE, EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from sshknock.client.fleet.runner import Task

_JOBS = 8
_MOST_JOBS = 64

all_option: Callable[[Any], Any] = click.option(
    "--all", "everyone", is_flag=True, help="All pairings."
)
jobs_option: Callable[[Any], Any] = click.option(
    "--jobs",
    type=click.IntRange(1, _MOST_JOBS),
    default=_JOBS,
    show_default=True,
    metavar="N",
    help="How many servers at a time.",
)
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="The summary for programs; this form is stable."
)


def chosen(known: Config, names: Sequence[str], command: str, *, everyone: bool) -> list[str]:
    """Return the pairings that are meant, each once; raise UsageError and NoSuchPairing."""
    if everyone and names:
        raise UsageError("--all and names exclude each other", "leave one of them out")
    if not everyone and not names:
        raise UsageError("which pairing?", f"sshknock {command} NAME, or --all")
    return list(known.pairings) if everyone else [known.named(n).name for n in dict.fromkeys(names)]


def do_all(
    command: str,
    what: str,
    tasks: Sequence[Task],
    *,
    jobs: int,
    as_json: bool,
    left: str | None = None,
) -> int:
    """Do them all and print the summary; return the exit code.

    ``what`` is what was done to a server (``rotated``), ``left`` how to go on with what is not
    done. Raises KeyboardInterrupt at the end when there was a ^C.
    """
    from sshknock.client.fleet import summary  # noqa: PLC0415  slow to load
    from sshknock.client.fleet.runner import Outcome, Run  # noqa: PLC0415
    from sshknock.client.fleet.screen import screen  # noqa: PLC0415

    with screen(command, len(tasks)) as shown:
        run = Run(tasks, shown)
        run.work(jobs)
    undone = [r for r in run.results if r.outcome in {Outcome.FAILED, Outcome.LEFT}]
    if as_json:
        click.echo(summary.as_json(command, run.results))
    else:
        summary.show(what, run.results, left if undone else None)
    if run.interrupted:
        raise KeyboardInterrupt
    return EXIT_FAILED if undone else EXIT_DONE
