"""The section on whole sequences: how many bits they are worth, computed and from the data."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sshknock.analysis.measures import batches as arrays
from sshknock.analysis.measures import entropy, order
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.counting import PAPER, Scheme
from sshknock.analysis.measures.judging import FEWEST_LINES, holds
from sshknock.analysis.report.model import Measure, Section, Series

_COLLISIONS_AT_LEAST = 10
_FILE_TITLE = "Whole sequences: how many there are to guess from"
_TITLE = f"{_FILE_TITLE}, if both generators are good"


def section(scheme: Scheme, drawn: Sequence[Batch], doors: int, *, of_file: bool) -> Section:
    """Measure sequences of a scheme, and those that were drawn or that a file holds.

    ``drawn`` of a generator has the weak ones too. ``doors`` are how many the server accepts.
    """
    if of_file and sum(map(len, drawn)) < FEWEST_LINES:
        few = f"How many there are is not computed from fewer than {FEWEST_LINES} lines."
        return Section("sequences", _FILE_TITLE, (_weak(drawn), _repeated(drawn)), remarks=(few,))
    papers = Scheme.of(PAPER, keeps_weak=True)
    measures = [_of_length(scheme, papers, length) for length in scheme.lengths]
    measures.append(_whole(scheme, papers, doors))
    remarks = []
    knock = _bits_a_knock(scheme, drawn)
    if knock is None:
        remarks.append("The knocks are too few to estimate their bits: some have to occur twice.")
    else:
        measures.append(knock)
    measures += [_weak(drawn), _repeated(drawn)] if of_file else [_weak_drawings(scheme, drawn)]
    if not scheme.keeps_weak:
        shortest = scheme.shortest
        cost = math.log2(scheme.all(shortest)) - scheme.bits(shortest)
        more = ", and less at more" if len(scheme.lengths) > 1 else ""
        remarks.append(
            f"Drawing weak sequences again costs {cost:.2g} bits at {shortest} knocks{more}."
        )
    series = Series(
        "bits_by_length",
        "Bits of a sequence by its knocks",
        "knocks",
        "bits",
        tuple((float(length), scheme.bits(length)) for length in scheme.lengths),
        meaning="Each knock is worth a port of the range and a protocol.",
    )
    title = _FILE_TITLE if of_file else _TITLE
    return Section("sequences", title, tuple(measures), (series,), tuple(remarks), "computed")


def _of_length(scheme: Scheme, papers: Scheme, length: int) -> Measure:
    return Measure(
        f"bits_{length}",
        f"{length} knocks",
        scheme.bits(length),
        "bits",
        paper=papers.bits(length) if length in papers.lengths else None,
    )


def _whole(scheme: Scheme, papers: Scheme, doors: int) -> Measure:
    chance, length = scheme.guessed()
    return Measure(
        "min_entropy",
        f"Any, {doors} doors open" if doors > 1 else "Any, one door open",
        -math.log2(chance * doors),
        "bits",
        paper=-math.log2(papers.guessed()[0]),
        meaning=f"The easiest guess is a sequence of {length} knocks; that there are {doors} doors"
        f" makes it {math.log2(doors):g} bits easier."
        if doors > 1
        else f"The easiest guess is a sequence of {length} knocks.",
    )


def _bits_a_knock(scheme: Scheme, drawn: Sequence[Batch]) -> Measure | None:
    knocks = np.concatenate([(batch.ports * 2 + batch.bits).ravel() for batch in drawn])
    estimate = entropy.collision_entropy(knocks)
    if estimate is None or estimate[1] > 1 / (math.sqrt(_COLLISIONS_AT_LEAST) * math.log(2)):
        return None
    value, error = estimate
    ideal = math.log2(2 * scheme.usable)
    p = order.normal_p((value - ideal) / error)
    fine = holds(p)
    return Measure(
        "bits_a_knock",
        "A knock, from the data",
        value,
        "bits",
        ideal=ideal,
        p=p,
        holds=fine,
        meaning=f"Knocks come back as often as chance has it (+-{error:.2g} bits)."
        if fine
        else "Some knocks come back more often than by chance, or none ever does.",
    )


def _weak_drawings(scheme: Scheme, drawn: Sequence[Batch]) -> Measure:
    count = sum(map(len, drawn))
    weak = sum(int(arrays.weak(batch).sum()) for batch in drawn)
    ideal = sum(len(batch) * scheme.weak(batch.length) for batch in drawn) / count
    return Measure(
        "weak_drawings",
        "Weak drawings",
        weak / count,
        ideal=ideal,
        meaning="A port twice, one protocol only, or rising or falling ports: these are drawn"
        " again."
        if not scheme.keeps_weak
        else "A plain sweep of all ports may play these.",
    )


def _weak(drawn: Sequence[Batch]) -> Measure:
    weak = sum(int(arrays.weak(batch).sum()) for batch in drawn)
    return Measure(
        "weak",
        "Weak sequences",
        weak,
        holds=weak == 0,
        meaning="A plain sweep of all ports may play these." if weak else "None of them is weak.",
    )


def _repeated(drawn: Sequence[Batch]) -> Measure:
    repeated = 0
    for batch in drawn:
        rows = np.unique(np.hstack([batch.ports, batch.bits]), axis=0)
        repeated += len(batch) - len(rows)
    return Measure(
        "repeated",
        "Sequences that come again",
        repeated,
        holds=repeated == 0,
        meaning="An eavesdropper can play these." if repeated else "Each is in the file once.",
    )
