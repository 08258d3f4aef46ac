"""The section on doors: the chance that a sweep or a guess opens one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis.measures import batches as arrays
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.counting import OTHER_PORTS, PAPER, Scheme
from sshknock.analysis.measures.judging import FEWEST_LINES
from sshknock.analysis.report.model import Measure, Section

PACKETS_A_SECOND = 10**9 // (84 * 8)
"""A full gigabit of the smallest frames: 84 bytes with preamble and gap (IEEE 802.3)."""

SWEEP_S = 5
"""How long a sweep may take: knockd's seq_timeout of 6 is one second less."""

_PORTS = 1 << 16
_TITLE = "Doors: what a stranger opens, if both generators are good"
_FILE_TITLE = "Doors: what a stranger's sweep or guess opens"

Order = NDArray[np.int64]
_RISING: Order = np.arange(2 * _PORTS).reshape(_PORTS, 2)


def section(
    scheme: Scheme,
    drawn: Sequence[Batch],
    papers: Sequence[Batch],
    doors: int,
    seed: bytes,
) -> Section:
    """Compare a scheme with the paper's: by computation, and by sweeping sequences.

    ``drawn`` are sequences of the scheme, ``papers`` of the paper's with the weak ones. ``doors``
    are how many a server of ours accepts. ``seed`` makes the order of the random sweep.
    """
    measures = _sweeps(scheme)
    ours = doors > 1 and scheme.watched(doors, OTHER_PORTS) <= scheme.usable
    if ours:
        measures += _at_our_server(scheme, doors)
    remarks = []
    if any(map(len, drawn)):
        measures += _swept(drawn, papers, seed)
    else:
        remarks.append("Every drawing was weak: there are no sequences to try a sweep on.")
    measures += _guesses(scheme, doors)
    if ours:
        remarks.append(
            "What holds repeated sweeps off is not in that time: tripwires. Whoever touches one of"
            " a pairing's 512 cannot open a door for three seconds, and a sweep touches them all."
        )
    remarks += _premises(scheme)
    return Section("doors", _TITLE, tuple(measures), remarks=tuple(remarks), column="computed")


def section_of_file(scheme: Scheme, held: Sequence[Batch], seed: bytes) -> Section:
    """Sweep the lines of a file; compute what their scheme gives where they are many enough."""
    count = sum(map(len, held))
    if count < FEWEST_LINES:
        remark = f"What else opens them is not computed from fewer than {FEWEST_LINES} lines."
        return Section("doors", _FILE_TITLE, (_lines_swept(held),), remarks=(remark,))
    at_random = Measure(
        "simulated_at_random",
        "Random order, tried out",
        _share(held, _random_order(seed)),
        "share",
        meaning=f"One such sweep, played to {count:,} lines.",
    )
    measures = (_lines_swept(held), *_sweeps(scheme), at_random, *_guesses(scheme, 1))
    remarks = tuple(_premises(scheme))
    return Section("doors", _FILE_TITLE, measures, remarks=remarks, column="computed")


def _lines_swept(held: Sequence[Batch]) -> Measure:
    """Count the lines that the simplest sweep plays."""
    played = sum(int(arrays.played(batch, _RISING).sum()) for batch in held)
    return Measure(
        "simulated_rising",
        "Lines that a rising sweep plays",
        played,
        holds=played == 0,
        meaning=f"Tried out: of {sum(map(len, held)):,}, by tcp and udp at each port.",
    )


def _premises(scheme: Scheme) -> list[str]:
    rate = math.ceil(2 * scheme.usable / SWEEP_S)
    return [
        "A stock knockd that waits for one sequence sees no other packet: a sweep is a guess"
        " that plays every sequence of its order at once.",
        f"It has {SWEEP_S} s for {2 * scheme.usable:,} knocks: {rate:,} packets a second.",
        f"Times are at {PACKETS_A_SECOND:,} packets a second, all that a gigabit carries.",
    ]


def _sweeps(scheme: Scheme) -> list[Measure]:
    papers = Scheme.of(PAPER, keeps_weak=True)

    def sweep(
        key: str, label: str, chance: Callable[[Scheme, int], float], meaning: str, *, ever: bool
    ) -> Measure:
        value = scheme.mean(lambda length: chance(scheme, length))
        return Measure(
            key,
            label,
            value,
            "chance",
            paper=papers.mean(lambda length: chance(papers, length)),
            holds=None if ever else value == 0,
            meaning=meaning,
        )

    return [
        sweep(
            "sweep_of_one",
            "Sweep, one protocol, rising",
            Scheme.swept_by_one_protocol,
            "All tcp ports, or all udp ports, one after the other.",
            ever=False,
        ),
        sweep(
            "sweep_of_both",
            "Sweep, both, rising",
            Scheme.swept_rising,
            "At each port tcp and then udp; what it plays is weak.",
            ever=False,
        ),
        sweep(
            "sweep_twice",
            "Sweep, tcp, then udp",
            Scheme.swept_twice,
            "Two scans in a row, rising, in the time of one sequence.",
            ever=True,
        ),
        sweep(
            "sweep_at_random",
            "Sweep, both, random order",
            Scheme.swept_at_random,
            "No rule can prevent it: one order in L! of L knocks is the right one.",
            ever=True,
        ),
    ]


def _at_our_server(scheme: Scheme, doors: int) -> list[Measure]:
    chance = scheme.swept_among(doors, OTHER_PORTS)
    sweep_s = 2 * scheme.usable / PACKETS_A_SECOND
    return [
        Measure(
            "sweep_of_our_server",
            f"The same, our {doors} doors",
            chance,
            "chance",
            meaning=f"The port of another door, or one of {OTHER_PORTS} decoys, ends the attempt.",
        ),
        Measure(
            "sweeping_time",
            "Such sweeps until even odds",
            math.log(2) / chance * sweep_s,
            "seconds",
            meaning="One after the other, if nobody notices and no tripwire ends it.",
        ),
    ]


def _swept(drawn: Sequence[Batch], papers: Sequence[Batch], seed: bytes) -> list[Measure]:
    at_random = _random_order(seed)
    return [
        Measure(
            key,
            label,
            _share(drawn, order),
            "share",
            paper=_share(papers, order),
            meaning=f"One such sweep, played to {sum(map(len, drawn)):,} sequences.",
        )
        for key, label, order in (
            ("simulated_rising", "Rising, tried out", _RISING),
            ("simulated_at_random", "Random order, tried out", at_random),
        )
    ]


def _share(batches: Sequence[Batch], order: Order) -> float:
    """Return the mean of the lengths, each as likely as the others, as the computed chances."""
    shares = [float(arrays.played(batch, order).mean()) for batch in batches if len(batch)]
    return sum(shares) / len(shares)


def _random_order(seed: bytes) -> Order:
    places = np.random.default_rng(list(seed)).permutation(2 * _PORTS)
    return places.astype(np.int64).reshape(_PORTS, 2)


def _guesses(scheme: Scheme, doors: int) -> list[Measure]:
    papers = Scheme.of(PAPER, keeps_weak=True)
    chance, length = scheme.guessed()
    return [
        Measure(
            "guess",
            f"A guessed train of {length}",
            chance * doors,
            "chance",
            paper=papers.guessed()[0],
            meaning=f"At {doors} doors, knowing all but the secret; the paper's scheme has one."
            if doors > 1
            else "Knowing all but the secret.",
        ),
        Measure(
            "guessing_time",
            "Random knocks, even odds",
            even_odds_s(scheme, doors),
            "seconds",
            paper=even_odds_s(papers, 1),
            meaning="A stream of them, at a server that sees each: a wrong one ends the attempt."
            " knockd is no such server: it sees the ports of its doors alone, so sweeps are worth"
            " more there.",
        ),
    ]


def even_odds_s(scheme: Scheme, doors: int) -> float:
    """Return how long a stream of random knocks takes to open a door with a chance of one half.

    Guesses overlap: with each packet the last L of the stream are another train of L knocks.
    """
    chance, _ = scheme.guessed()
    return math.log(2) / (chance * doors) / PACKETS_A_SECOND
