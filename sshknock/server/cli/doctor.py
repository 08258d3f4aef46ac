"""``sshknock-server doctor``."""

from __future__ import annotations

import json

import click

from sshknock.errors import EXIT_DONE, EXIT_FAILED
from sshknock.server.cli.root import require_root
from sshknock.server.cli.words import JSON_HELP, coloured, hangs
from sshknock.server.doctor import Finding, Level, examine

_COLOURS = {Level.OK: "green", Level.NOTE: "yellow", Level.PROBLEM: "red"}
_WIDTH = max(len(level.value) for level in Level)
_MARGIN = _WIDTH + 2
_TO_DO = "to do: "


@click.command(short_help="Find what is wrong, and say what to do.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def doctor(*, as_json: bool) -> int:
    """Look at everything that has to be right, and say what to do where it is not.

    Nothing is changed. The exit code is 1 when there is a problem; notes are none.
    """
    require_root()
    found = []
    for name, finding in examine():
        found.append((name, finding))
        if not as_json:
            _show(finding)
    problems = sum(finding.level is Level.PROBLEM for _, finding in found)
    if as_json:
        click.echo(json.dumps({"version": 1, "findings": [_values(*item) for item in found]}))
    else:
        click.echo(f"Problems: {problems}." if problems else "No problem was found.")
    return EXIT_FAILED if problems else EXIT_DONE


def _show(finding: Finding) -> None:
    told = hangs(f"{finding.level.value:{_MARGIN}}{finding.what}", hang=_MARGIN)
    level = coloured(told[:_MARGIN], _COLOURS[finding.level])
    click.echo(f"{level}{told[_MARGIN:]}")
    if finding.remedy:
        click.echo(hangs(f"{'':{_MARGIN}}{_TO_DO}{finding.remedy}", hang=_MARGIN + len(_TO_DO)))


def _values(name: str, finding: Finding) -> dict[str, object]:
    return {
        "check": name,
        "level": finding.level.value,
        "what": finding.what,
        "remedy": finding.remedy,
    }
