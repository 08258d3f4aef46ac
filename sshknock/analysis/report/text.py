"""A report as text for people: tables that fit 80 columns, and a sentence below each measure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from sshknock.analysis.report.model import Measure, Report, Section, Series
from sshknock.analysis.report.wording import shown, shown_p

INDENT = "  "
BAD = "bold red"
_GAP = "  "
_WORDS = "      "
_MARKS = {True: ("yes", "green"), False: ("NO", BAD), None: ("", "")}
_COLUMNS = ("ideal", "paper", "p", "holds")
_DIM = "dim"
_BAR = 24

Cell = tuple[str, str]


def lines(reports: Sequence[Report], width: int) -> Iterator[Text]:
    """Yield the lines of reports, none wider than ``width`` if words allow it."""
    for number, report in enumerate(reports):
        if number:
            yield Text()
        yield Text(report.subject, style="bold underline")
        if report.parameters:
            told = ", ".join(f"{name} {value}" for name, value in report.parameters)
            yield from wrapped(told, width, "")
        for section in report.sections:
            yield Text()
            yield from section_lines(section, width)


def section_lines(section: Section, width: int) -> Iterator[Text]:
    """Yield the title of a section, its table, its curves and its remarks."""
    yield Text(section.title, style="bold")
    rows = [_row(measure) for measure in section.measures]
    shown_rows = table(("", section.column, *_COLUMNS), rows)
    yield from shown_rows[:1]
    for line, measure in zip(shown_rows[1:], section.measures, strict=True):
        yield line
        yield from wrapped(measure.meaning, width, _WORDS)
    for series in section.series:
        yield Text()
        yield from series_lines(series, width)
    for remark in section.remarks:
        yield from wrapped(remark, width, INDENT)


def _row(measure: Measure) -> list[Cell]:
    mark = _MARKS[measure.holds]
    style = mark[1] if measure.holds is False else ""
    return [
        (measure.label, style),
        (shown(measure.value, measure.unit), style),
        ("" if measure.ideal is None else shown(measure.ideal, measure.unit), ""),
        ("" if measure.paper is None else shown(measure.paper, measure.unit), ""),
        ("" if measure.p is None else shown_p(measure.p), ""),
        mark,
    ]


def table(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Text]:
    """Return a head and the rows, or nothing; a column that nobody fills is left out.

    The first and the last column stand left, numbers right.
    """
    if not rows:
        return []
    made = []
    used = [i for i in range(len(names)) if any(row[i][0] for row in rows)]
    widths = {i: max(len(names[i]), *(len(row[i][0]) for row in rows)) for i in used}
    for row in ([(name, _DIM) for name in names], *rows):
        line = Text(INDENT)
        for i in used:
            text, style = row[i]
            left = i in {0, len(names) - 1}
            line.append(text.ljust(widths[i]) if left else text.rjust(widths[i]), style or None)
            line.append(_GAP)
        line.rstrip()
        made.append(line)
    return made


def series_lines(series: Series, width: int, of: str = "") -> Iterator[Text]:
    """Yield a curve as bars, its top being the ideal or the highest point."""
    yield Text(f"{INDENT}{series.label}{f': {of}' if of else ''}")
    top = max([y for _, y in series.points] + ([series.ideal] if series.ideal else []))
    xs = [shown(int(x)) for x, _ in series.points]
    ys = [f"{y:.4f}" if top <= 1 else f"{y:.1f}" for _, y in series.points]
    x_width, y_width = max(map(len, xs)), max(map(len, ys))
    for (x, y), left, right in zip(series.points, xs, ys, strict=True):
        bar = "#" * round(_BAR * y / top)
        line = Text(f"{INDENT}{INDENT}{left:>{x_width}}  {right:>{y_width}}  ")
        line.append(bar, "cyan")
        if x == series.marked:
            line.append(f"{' ' * (_BAR - len(bar))}  in use", _DIM)
        yield line
    yield from wrapped(f"{series.x_label}, {series.y_label}. {series.meaning}", width, _WORDS)


def wrapped(words: str, width: int, indent: str) -> Iterable[Text]:
    """Return words as lines, indented and less bright than figures are."""
    folded = textwrap.wrap(words, width, initial_indent=indent, subsequent_indent=indent)
    return [Text(line, style=_DIM) for line in folded]
