"""One self-contained HTML page of reports and figures: no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib import resources
from string import Template

from sshknock import __version__
from sshknock.analysis.figures import style
from sshknock.analysis.figures.album import Plate
from sshknock.analysis.page import tables
from sshknock.analysis.page.inlining import inlined
from sshknock.analysis.report.model import Report

_TITLE = "What the generators are worth"
_LEAD = (
    "The sequences that hide an SSH port, measured and drawn: each number beside what perfect"
    " randomness would give and beside what the paper reports."
)


def page(reports: Sequence[Report], plates: Sequence[Plate]) -> str:
    """Return the page; the same reports and figures give the same text."""
    template = resources.files(__package__).joinpath("template.html").read_text("utf-8")
    return Template(template).substitute(
        title=_TITLE,
        lead=_LEAD,
        light=_variables(style.PALETTE),
        dark=_variables(style.DARK),
        contents="\n".join(_contents(reports, plates)),
        main="\n".join(_main(reports, plates)),
        foot=f"Made by <code>sshknock analyze --html</code>, sshknock {__version__}.",
    )


def _variables(palette: dict[str, str]) -> str:
    return "\n".join(f"    --{name}: {color};" for name, color in palette.items())


def _contents(reports: Sequence[Report], plates: Sequence[Plate]) -> Iterator[str]:
    yield from _links((f"report-{i}", report.subject) for i, report in enumerate(reports))
    yield from _links((plate.name, plate.heading) for plate in plates)


def _links(targets: Iterable[tuple[str, str]]) -> Iterator[str]:
    links = [f'<li><a href="#{anchor}">{escape(words)}</a></li>' for anchor, words in targets]
    if links:
        yield f"<ul>{''.join(links)}</ul>"


def _main(reports: Sequence[Report], plates: Sequence[Plate]) -> Iterator[str]:
    for i, report in enumerate(reports):
        yield from tables.lines(report, f"report-{i}")
    if plates:
        yield '<section aria-labelledby="figures"><h2 id="figures">Figures</h2>'
    for plate in plates:
        drawing = inlined(plate.svg, f"in-{plate.name}", plate.heading, style.PALETTE)
        yield f'<figure id="{plate.name}">{drawing}'
        number = f"<b>{plate.number}.</b> " if plate.number else ""
        yield f"<figcaption>{number}{escape(plate.caption)}</figcaption></figure>"
    if plates:
        yield "</section>"
