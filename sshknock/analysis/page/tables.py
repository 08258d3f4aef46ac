"""Reports as tables of HTML. Every text is escaped: a subject can be the name of anybody's file."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from sshknock.analysis.report.model import Measure, Report, Section, Series
from sshknock.analysis.report.wording import shown, shown_p

_MARKS = {True: ("good", "\u2713 good"), False: ("bad", "\u2717 not so")}


def lines(report: Report, anchor: str) -> Iterator[str]:
    """Yield the lines of a report; ``anchor`` is what links to it name."""
    yield f'<section aria-labelledby="{anchor}">'
    yield f'<h2 id="{anchor}">{escape(report.subject)}</h2>'
    if report.parameters:
        pairs = (
            f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in report.parameters
        )
        yield f"<dl>{''.join(pairs)}</dl>"
    for section in report.sections:
        yield from _section(section)
    yield "</section>"


def _section(section: Section) -> Iterator[str]:
    yield f"<h3>{escape(section.title)}</h3>"
    if section.measures:
        yield from _measures(section.measures)
    for series in section.series:
        yield from _series(series)
    for remark in section.remarks:
        yield f"<p>{escape(remark)}</p>"


def _measures(measures: tuple[Measure, ...]) -> Iterator[str]:
    """Yield a table with a row for each; a column that nobody fills is left out."""
    columns = [
        ("ideal", [_number(m.ideal, m.unit) for m in measures]),
        ("in the paper", [_number(m.paper, m.unit) for m in measures]),
        ("p", ["" if m.p is None else escape(shown_p(m.p)) for m in measures]),
    ]
    columns = [(name, cells) for name, cells in columns if any(cells)]
    yield '<div class="sheet"><table class="measures">'
    names = "".join(f'<th scope="col" class="number">{name}</th>' for name, _ in columns)
    judged = any(measure.holds is not None for measure in measures)
    verdict = '<th scope="col">as it should be</th>' if judged else ""
    yield (
        '<thead><tr><th scope="col">measure</th><th scope="col" class="number">value</th>'
        f"{names}{verdict}</tr></thead><tbody>"
    )
    for row, measure in enumerate(measures):
        cells = "".join(_cell(name, texts[row]) for name, texts in columns)
        value = _cell("value", escape(shown(measure.value, measure.unit)))
        yield f"<tr>{_head(measure)}{value}{cells}{_mark(measure.holds) if judged else ''}</tr>"
    yield "</tbody></table></div>"


def _head(measure: Measure) -> str:
    meaning = f"<small>{escape(measure.meaning)}</small>" if measure.meaning else ""
    return f'<th scope="row">{escape(measure.label)}{meaning}</th>'


def _cell(name: str, text: str) -> str:
    return f'<td class="number" data-label="{name}">{text}</td>'


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else escape(shown(value, unit))


def _mark(holds: bool | None) -> str:
    if holds is None:
        return "<td></td>"
    look, words = _MARKS[holds]
    return f'<td><span class="{look}">{words}</span></td>'


def _series(series: Series) -> Iterator[str]:
    """Yield the pairs of a curve, folded away: a figure shows them better."""
    meaning = f"<p>{escape(series.meaning)}</p>" if series.meaning else ""
    yield f"<details><summary>{escape(series.label)}</summary>{meaning}<table>"
    yield (
        f'<thead><tr><th scope="col" class="number">{escape(series.x_label)}</th>'
        f'<th scope="col" class="number">{escape(series.y_label)}</th></tr></thead><tbody>'
    )
    for x, y in series.points:
        used = " (in use)" if x == series.marked else ""
        yield f'<tr><td class="number">{x:g}{used}</td><td class="number">{y:.5g}</td></tr>'
    yield "</tbody></table></details>"
