"""What was measured, before it becomes text, JSON or a page."""

from __future__ import annotations

from dataclasses import dataclass

UNITS = ("", "bits", "chance", "share", "seconds")
"""What ``Measure.value`` can be in; "" is a plain number. ``wording.shown`` writes each of them.

A chance is computed, and 0 is never; a share is counted, and 0 is none of those that were tried.
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a report.

    ``key`` is its stable name in JSON, ``label`` what people read, ``unit`` one of ``UNITS``.
    ``ideal`` is what perfect randomness would give for a sample of this size, ``p`` the chance that
    perfect randomness is as far from it as this or farther. ``paper`` is what the paper reports, or
    what its scheme gives by the same computation. ``holds`` tells whether it is as it should be
    (None where there is nothing to judge), ``meaning`` in one sentence what it tells.
    """

    key: str
    label: str
    value: float | int | str
    unit: str = ""
    ideal: float | None = None
    paper: float | None = None
    p: float | None = None
    holds: bool | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """A curve or a table of pairs, as the entropy of blocks by the sampling distance.

    ``ideal`` is what perfect randomness would give at each point, ``marked`` the x of the point
    that is in use.
    """

    key: str
    label: str
    x_label: str
    y_label: str
    points: tuple[tuple[float, float], ...]
    ideal: float | None = None
    marked: float | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Measures of one thing: the ports, the protocols, both together, whole sequences.

    ``remarks`` are sentences: what was left out and why, and what all of it comes to.
    ``column`` is how the values came about.
    """

    key: str
    title: str
    measures: tuple[Measure, ...]
    series: tuple[Series, ...] = ()
    remarks: tuple[str, ...] = ()
    column: str = "measured"


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said of one pair of generators, of one generator, or of one sequence file.

    ``parameters`` are the names and values that it was made with, as people would write them.
    """

    subject: str
    sections: tuple[Section, ...]
    parameters: tuple[tuple[str, str], ...] = ()
