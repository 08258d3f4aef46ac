"""When a measure holds.

A test's p is the chance that perfect randomness is as far from its ideal, or farther. Perfect
randomness fails a test at 0.01 once in a hundred, which SP 800-22 (section 1.1.5) takes: with the
dozen tests of a report that would be a false alarm in every tenth. Here it is once in ten thousand;
a generator with a fault that matters fails by far more.
"""

from __future__ import annotations

from sshknock.analysis.report.model import Measure

SELDOM = 1e-4

FEW = 300
"""Below so many, a test finds gross faults only, and a report does not say that all is well."""

FEWEST_LINES = 100
"""Of a file, to tell how they were drawn. One drawing of eight of four knocks is weak: a hundred of
which none is were not drawn by a scheme that keeps those."""


def holds(p: float) -> bool:
    """Tell whether perfect randomness would do the same often enough."""
    return p >= SELDOM


def two_sided(below: float, above: float) -> float:
    """Return the p of a statistic that can be too low as well as too high.

    ``below`` and ``above`` are the chances of a value as low, and of one as high.
    """
    return min(1.0, 2 * min(below, above))


def by_p(
    key: str,
    label: str,
    value: float | str,
    p: float,
    *,
    good: str,
    bad: str,
    count: int,
    unit: str = "",
    ideal: float | None = None,
    paper: float | None = None,
) -> Measure:
    """Return a measure that ``p`` judges: ``good`` or ``bad`` is what it then means.

    ``count`` is how many values it is of.
    """
    fine = holds(p)
    if fine and count < FEW:
        good = f"Nothing was found in {count} values, which are too few to say more."
    meaning = good if fine else bad
    return Measure(key, label, value, unit, ideal, paper, p, fine, meaning)
