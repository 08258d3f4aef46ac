"""``sshknock analyze``: how good the generators are, or the sequences of a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sshknock.analysis.cli.attacking import Attack, attack_options
from sshknock.analysis.cli.subjects import Asked
from sshknock.analysis.generators.bits import BITS
from sshknock.analysis.generators.numbers import NUMBERS
from sshknock.errors import SystemFault, UsageError
from sshknock.protocol.parameters import Parameters

if TYPE_CHECKING:
    from sshknock.analysis.report.model import Report

_DEFAULTS = Parameters()
_WIDEST = 100


@click.command(short_help="Measure generators, or a sequence file.")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path())
@click.option(
    "--port-source",
    type=click.Choice(list(NUMBERS)),
    default="mt19937",
    show_default=True,
    help="Where ports come from.",
)
@click.option(
    "--protocol-source",
    type=click.Choice(list(BITS)),
    default="henon",
    show_default=True,
    help="Where protocols come from.",
)
@click.option("--all", "every", is_flag=True, help="Every generator, side by side.")
@click.option(
    "--ports", metavar="LOW-HIGH", default="3000-65000", show_default=True, help="Of the knocks."
)
@click.option("--knocks", metavar="N|LOW-HIGH", default="4-6", show_default=True, help="How many.")
@click.option("--exclude", metavar="PORT,...", default="", help="Ports that are never knocked.")
@click.option("--keep-weak", is_flag=True, help="Also what a sweep of all ports would play.")
@click.option(
    "--henon-a", type=float, default=_DEFAULTS.henon_a, show_default=True, help="The map's a."
)
@click.option(
    "--henon-b", type=float, default=_DEFAULTS.henon_b, show_default=True, help="The map's b."
)
@click.option(
    "--threshold", type=float, default=_DEFAULTS.threshold, show_default=True, help="udp above it."
)
@click.option(
    "--steps",
    metavar="N",
    type=click.IntRange(1, 1000),
    help="From one bit of an orbit to the next.  [default: 8 for henon, 100 for chua]",
)
@click.option(
    "--seed",
    metavar="HEX|system",
    help="Other numbers; system: others each time.  [default: the same each time]",
)
@click.option("--nist", is_flag=True, help="With SP 800-22 tests by dieharder, and ent; slower.")
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
@click.option("--html", metavar="FILE", type=click.Path(), help="Write a page with figures, too.")
@click.option(
    "--figures", metavar="FOLDER", type=click.Path(), help="Write the paper's figures, and more."
)
@attack_options
def analyze(as_json: bool, html: str | None, figures: str | None, **asked: Any) -> None:
    """Measure how random generators are, and what that is worth at a door.

    Without FILE: the paper's pair of generators, or the two that are named. FILE is a file of
    sequences as generate and push write it, or a stock knockd's; - reads it here. What does not
    hold is said, and is no failure: the exit code is 0. docs/analysis.md tells how to read it.

    With --attack: the paper's seed, which is the clock, is found from one train.
    """
    _require("numpy", "scipy", *(["matplotlib"] if html or figures else []))
    _refuse_places(html, figures)
    attacking = Attack.taken_from(asked)
    subjects = Asked(**asked)
    attacking.check(subjects)
    if attacking.attack:
        with _at_work("attacking") as tell:
            reports = attacking.reports(subjects, tell)
    else:
        subjects.check()
        with _at_work("measuring"):
            reports = subjects.reports()
    if as_json:
        from sshknock.analysis.report.as_json import render  # noqa: PLC0415

        click.echo(render(reports))
    else:
        _show(reports, side_by_side=subjects.every)
    if figures or html:
        with _at_work("drawing"):
            written = _draw(subjects, reports, html, figures)
        for line in written:
            click.echo(line, err=True)


def _require(*libraries: str) -> None:
    missing = [library for library in libraries if find_spec(library) is None]
    if missing:
        raise SystemFault(
            f"not installed, and needed by analyze: {', '.join(missing)}",
            "pip install 'sshknock[analysis]'; after pipx: 'pipx inject sshknock"
            " numpy scipy matplotlib'",
        )


def _refuse_places(html: str | None, figures: str | None) -> None:
    """Refuse at once what could not be written after all the work; raise UsageError."""
    if figures is not None and Path(figures).exists() and not Path(figures).is_dir():
        raise UsageError(f"--figures {figures} is no folder")
    if html is None:
        return
    if html == "-" or Path(html).is_dir():
        raise UsageError(f"--html {html} is no file", "a name, as in report.html")
    if not Path(html).parent.is_dir():
        raise UsageError(f"--html {html}: there is no such folder")


@contextmanager
def _at_work(what: str) -> Iterator[Callable[[str], None]]:
    """Show whoever sits at a terminal that something is going on; what is yielded says more."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  people alone need it

    with Console(stderr=True).status(what) as status:
        yield lambda more: status.update(f"{what}: {more}")


def _show(reports: Sequence[Report], *, side_by_side: bool) -> None:
    from rich.console import Console  # noqa: PLC0415  the same

    from sshknock.analysis.report import beside, text  # noqa: PLC0415

    console = Console(highlight=False)
    lines = beside.lines if side_by_side else text.lines
    for line in lines(reports, min(console.width, _WIDEST)):
        console.print(line, soft_wrap=True)


def _draw(
    subjects: Asked, reports: Sequence[Report], html: str | None, figures: str | None
) -> list[str]:
    """Write what was asked for; return a line on each, for people. Raise SystemFault."""
    from sshknock.analysis.figures.album import plates, write_all  # noqa: PLC0415
    from sshknock.analysis.figures.material import Material  # noqa: PLC0415
    from sshknock.analysis.page.writing import page  # noqa: PLC0415

    subject = subjects.subject()
    drawn = list(plates(Material(subject.seed, subject.parameters)))
    written = []
    try:
        if figures:
            write_all(Path(figures), drawn)
            written.append(f"{figures}: {len(drawn)} figures")
        if html:
            Path(html).write_text(page(reports, drawn), encoding="utf-8", newline="\n")
            written.append(f"{html}: a page of its own, for any browser")
    except OSError as error:
        raise SystemFault(f"cannot write {error.filename}: {error.strerror}") from error
    return written
