"""A report for programs: stable, versioned; what is not known is left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sshknock.analysis.report.model import Measure, Report, Section, Series

VERSION = 1


def render(reports: Sequence[Report]) -> str:
    """Return reports as JSON of one line."""
    return json.dumps({"version": VERSION, "reports": [_report(report) for report in reports]})


def _report(report: Report) -> dict[str, Any]:
    return {
        "subject": report.subject,
        "parameters": dict(report.parameters),
        "sections": [_section(section) for section in report.sections],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "measures": [_measure(measure) for measure in section.measures],
        "series": [_series(series) for series in section.series],
        "remarks": list(section.remarks),
    }


def _measure(measure: Measure) -> dict[str, Any]:
    optional = {
        "unit": measure.unit or None,
        "ideal": measure.ideal,
        "paper": measure.paper,
        "p": measure.p,
        "holds": measure.holds,
        "meaning": measure.meaning or None,
    }
    told = {name: value for name, value in optional.items() if value is not None}
    return {"key": measure.key, "label": measure.label, "value": measure.value, **told}


def _series(series: Series) -> dict[str, Any]:
    optional = {"ideal": series.ideal, "marked": series.marked}
    return {
        "key": series.key,
        "label": series.label,
        "x": series.x_label,
        "y": series.y_label,
        "points": [list(point) for point in series.points],
        "meaning": series.meaning,
        **{name: value for name, value in optional.items() if value is not None},
    }
