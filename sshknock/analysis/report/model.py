"""What was measured, before it becomes text, JSON or a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a report.

    ``key`` is its stable name in JSON, ``label`` what people read, ``ideal`` what perfect
    randomness would give, ``paper`` what the paper reports, ``holds`` whether it is as it should be
    (None where there is nothing to judge), ``meaning`` one sentence on what it tells.
    """

    key: str
    label: str
    value: float | int | str
    ideal: float | None = None
    paper: float | None = None
    holds: bool | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A curve or a table of pairs, as the entropy of blocks by the sampling distance."""

    key: str
    label: str
    x_label: str
    y_label: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Measures of one thing: the ports, the protocols, both together, whole sequences."""

    key: str
    title: str
    measures: tuple[Measure, ...]
    series: tuple[Series, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of one pair of generators, or of one sequence file."""

    subject: str
    sections: tuple[Section, ...]
