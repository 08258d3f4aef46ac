"""Showing what the doctor found: a line a check for people, one object for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import click

from sshknock.client.config import Config
from sshknock.client.doctor.examination import Examination
from sshknock.client.doctor.findings import JSON_VERSION, Finding, Level, exit_code
from sshknock.errors import one_line
from sshknock.wrapping import fitted

_INDENT = 11  # of what stands beside a level
_STEP = 3  # as much as the number of a cause takes


def examine(names: Iterable[str], known: Config, *, as_json: bool) -> int:
    """Examine pairings and show what is found; return the exit code."""
    everything: list[Finding] = []
    rows = []
    for name in names:
        examination = Examination(known.named(name), known)
        if not as_json:
            pairing = examination.pairing
            click.echo(f"{name}: {pairing.host} port {pairing.port}")
        found = []
        for finding in examination.findings():
            found.append(finding)
            if not as_json:
                _show(finding)
        if not as_json:
            _sum_up(found, examination.sent)
        everything += found
        listed = [finding.to_json() for finding in found]
        rows.append({"name": name, "findings": listed, "sent": examination.sent})
    if as_json:
        click.echo(json.dumps({"version": JSON_VERSION, "pairings": rows}, indent=2))
    return exit_code(everything)


def _show(finding: Finding) -> None:
    _say(f"  {finding.level.value:8} {one_line(finding.what)}")
    lead = "to do: "
    for line in finding.todo:
        _say(f"{'':{_INDENT}}{lead}{one_line(line)}", deeper=_STEP)
        lead = ""


def _say(line: str, *, deeper: int = 0) -> None:
    click.echo(fitted(line, sys.stdout, hang=_INDENT + deeper))


def _sum_up(found: list[Finding], sent: list[int]) -> None:
    problems = sum(finding.level is Level.PROBLEM for finding in found)
    spent = f"; sent the sequences of {_listed(sent)}" if sent else "; no knock was sent"
    wrong = {0: "nothing is wrong", 1: "1 problem"}.get(problems, f"{problems} problems")
    click.echo(f"  {wrong}{spent}")


def _listed(counters: list[int]) -> str:
    word = "counter" if len(counters) == 1 else "counters"
    return f"{word} {', '.join(map(str, counters))}"
