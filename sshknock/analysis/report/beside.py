"""Reports of single generators side by side: a row a measure, a column a generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from sshknock.analysis.report import text
from sshknock.analysis.report.model import Measure, Report, Section
from sshknock.analysis.report.wording import shown

_FAILS = "!"
_HOLDS = " "

Groups = dict[str, list[str]]


def lines(reports: Sequence[Report], width: int) -> Iterator[Text]:
    """Yield the lines of reports: sections with one key together, the others each by itself."""
    by_key: dict[str, list[tuple[str, Section]]] = {}
    for report in reports:
        for section in report.sections:
            by_key.setdefault(section.key, []).append((report.subject, section))
    for number, sections in enumerate(by_key.values()):
        if number:
            yield Text()
        if len(sections) == 1:
            yield from text.section_lines(sections[0][1], width)
        else:
            yield from _together(sections, width)


def _together(sections: Sequence[tuple[str, Section]], width: int) -> Iterator[Text]:
    yield Text(sections[0][1].title.partition(":")[0], style="bold")
    # A subject is "ports by hmac": the last word tells it from the others.
    named = {subject.split()[-1]: section for subject, section in sections}
    yield from _table(named, width)
    faults: Groups = {}
    remarks: Groups = {}
    for name, section in named.items():
        for measure in section.measures:
            if measure.holds is False:
                faults.setdefault(f"{measure.label}: {measure.meaning}", []).append(name)
        for remark in section.remarks:
            remarks.setdefault(remark, []).append(name)
    for mark, groups in ((f"{_FAILS} ", faults), ("", remarks)):
        for words, names in groups.items():
            yield from text.wrapped(f"{mark}{', '.join(names)}: {words}", width, text.INDENT)
    for name, section in named.items():
        for series in section.series:
            yield Text()
            yield from text.series_lines(series, width, of=name)


def _table(named: dict[str, Section], width: int) -> list[Text]:
    """Return a table with a column a generator; the ideal is left out where there is no room."""
    found = [{measure.key: measure for measure in each.measures} for each in named.values()]
    labels = {key: measure.label for measures in found for key, measure in measures.items()}
    head = ["", *(f"{name}{_HOLDS}" for name in named), "ideal"]
    rows = [
        [(label, ""), *(_cell(measures.get(key)) for measures in found), _ideal(key, found)]
        for key, label in labels.items()
    ]
    lines = text.table(head, rows)
    if any(line.cell_len > width for line in lines):
        lines = text.table([*head[:-1], ""], [[*row[:-1], ("", "")] for row in rows])
    return lines


def _cell(measure: Measure | None) -> text.Cell:
    if measure is None:
        return "-" + _HOLDS, ""
    fails = measure.holds is False
    return shown(measure.value, measure.unit) + (_FAILS if fails else _HOLDS), (
        text.BAD if fails else ""
    )


def _ideal(key: str, found: Sequence[dict[str, Measure]]) -> text.Cell:
    """Return what perfect randomness gives, where that is the same for all."""
    measures = [each[key] for each in found if key in each]
    ideals = {shown(m.ideal, m.unit) for m in measures if m.ideal is not None}
    return (ideals.pop() if len(ideals) == 1 else ""), ""
