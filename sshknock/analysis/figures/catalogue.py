"""Which figures there are, what each is drawn from, and what it says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sshknock.analysis.attack.effort import GUESSES_A_SECOND, clock_efforts, secret_effort
from sshknock.analysis.figures import (
    attack,
    attractors,
    combining,
    distance,
    lettering,
    ports,
    protocols,
    style,
    waveforms,
)
from sshknock.analysis.figures.material import Material
from sshknock.protocol import chua, henon

NAMES = {
    "mt19937": "the Mersenne Twister",
    "hmac": "HMAC-SHA-256",
    "system": "the operating system",
    "henon": "Hénon's map",
    "chua": "Chua's circuit",
}

_NUMBERS = 1 << 16
_PAIRS = 20_000
_TIME_STEPS = 300
_CHUA_POINTS = 3_000
_CHUA_TIME_STEPS = 2_000
_KNOCKS_SHOWN = 14
_LINES_SHOWN = 6
_TICKS_A_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A figure to be drawn: its file's name, what to see in it, and the paper's number or ""."""

    name: str
    number: str
    caption: str
    draw: Callable[[Material], style.Sheet]


def _ports(source: str, material: Material) -> style.Sheet:
    return ports.histogram(material.numbers(source, _NUMBERS), NAMES[source])


def _protocols(source: str, material: Material) -> style.Sheet:
    return protocols.histogram(material.bits(source), NAMES[source])


def _henon_attractor(material: Material) -> style.Sheet:
    x, y = material.henon(_PAIRS).T
    return attractors.henon(x, y, material.parameters.threshold, _coefficients(material))


def _henon_waveform(material: Material) -> style.Sheet:
    x, y = material.henon(_TIME_STEPS).T
    how = f"{_coefficients(material)}; every eighth x gives a bit"
    return waveforms.henon(x, y, material.parameters.threshold, henon.STEPS_A_BIT, how)


def _coefficients(material: Material) -> str:
    return f"a = {material.parameters.henon_a:g}, b = {material.parameters.henon_b:g}, from (0, 0)"


def _chua_attractor(material: Material) -> style.Sheet:
    x, y, z = material.chua(_CHUA_POINTS).T
    how = f"{_CHUA_POINTS:,} steps of 1/8, seen from two sides; a bit tells the scroll that x is on"
    return attractors.chua(x, y, z, 0, how)


def _chua_waveform(material: Material) -> style.Sheet:
    x = material.chua(_CHUA_TIME_STEPS)[:, 0]
    how = f"a step is 1/8 of the unit of time; every {chua.STEPS_A_BIT}th x gives a bit"
    return waveforms.chua(x, 0, chua.STEPS_A_BIT, how)


def _combining(material: Material) -> style.Sheet:
    how = "neither knows of the other; it is eight steps of the map from one sample to the next"
    return combining.combining(material.streams(_KNOCKS_SHOWN), "Mersenne Twister", how)


def _examples(material: Material) -> style.Sheet:
    how = "ports of the Mersenne Twister, protocols of Hénon's map; each login uses one up"
    return lettering.examples(material.examples(_LINES_SHOWN), how)


def _block_entropy(material: Material) -> style.Sheet:
    curves = (
        ("Hénon's map", material.by_distance("henon")),
        ("Chua's circuit", material.by_distance("chua")),
    )
    return distance.block_entropy(curves, "eight bits of one orbit; dashed: a perfect source")


def _attack(material: Material) -> style.Sheet:  # noqa: ARG001  one signature for all
    clock = clock_efforts(_TICKS_A_SECOND, math.inf, GUESSES_A_SECOND)
    how = f"a clock in microseconds, and a core that tries {GUESSES_A_SECOND:,} seeds a second"
    return attack.efforts(clock, secret_effort(GUESSES_A_SECOND), how)


ENTRIES = (
    Entry(
        "fig2",
        "Fig. 2",
        "The generator that the paper draws its ports from. A fair one fills the bins as unevenly"
        " as this: a flatter histogram would be as suspicious as a rougher one.",
        partial(_ports, "mt19937"),
    ),
    Entry(
        "ports-hmac",
        "",
        "The default of the derivation. It cannot be told from the paper's generator by its"
        " histogram; the difference is that nobody can compute its past or its future.",
        partial(_ports, "hmac"),
    ),
    Entry(
        "ports-system",
        "",
        "The operating system's generator, which gathers its seed from the machine's noise: the"
        " only histogram of ports that is another one each time it is made.",
        partial(_ports, "system"),
    ),
    Entry(
        "fig3",
        "Fig. 3",
        "The pairs (x, y) that the map comes through, from the paper's starting point. Right of the"
        " threshold a knock is udp, left of it tcp; the default one has half of all pairs on either"
        " side. What looks like one line is many, however close one looks.",
        _henon_attractor,
    ),
    Entry(
        "chua-attractor",
        "",
        "The paper's future work. The orbit winds around one scroll for a while, then around the"
        " other, and nobody knows for long which one is next.",
        _chua_attractor,
    ),
    Entry(
        "fig4",
        "Fig. 4",
        "The map's variables from the first step on. Marked are the samples that the derivation"
        " takes; the steps between them are there so that one sample tells little of the next.",
        _henon_waveform,
    ),
    Entry(
        "chua-time",
        "",
        "The same for Chua's circuit, which moves slowly: it is a hundred steps from one sample"
        " to the next.",
        _chua_waveform,
    ),
    Entry(
        "fig5",
        "Fig. 5",
        "tcp and udp are as frequent as each other. Right: the share of udp after the first hundred"
        " bits, the first thousand, and so on; at any one place 99 of 100 fair coins are within the"
        " shaded funnel.",
        partial(_protocols, "henon"),
    ),
    Entry(
        "protocols-chua",
        "",
        "The same for Chua's circuit: neither scroll is preferred.",
        partial(_protocols, "chua"),
    ),
    Entry(
        "protocols-hmac",
        "",
        "The same for the lowest bits of HMAC-SHA-256.",
        partial(_protocols, "hmac"),
    ),
    Entry(
        "protocols-system",
        "",
        "The same for the operating system's generator: other bits each time.",
        partial(_protocols, "system"),
    ),
    Entry(
        "fig6",
        "Fig. 6",
        "Each knock has its port from one stream and its protocol from the other. They are cut"
        " where the third stream says. What a sweep of all ports could play is weak: it is left"
        " out, and the next knocks are taken in its place.",
        _combining,
    ),
    Entry(
        "fig7",
        "Fig. 7",
        "The first sequences of the file that sshknock generate makes of the same seed, three to"
        " six knocks each. Figure 6 shows what its first lines are made of.",
        _examples,
    ),
    Entry(
        "block-entropy",
        "",
        "What eight protocols in a row are worth. Samples that lie close together predict each"
        " other; at the distance in use a byte of them has nearly all of its eight bits.",
        _block_entropy,
    ),
    Entry(
        "attack",
        "",
        "The paper's seed is the clock: whoever knows it to a minute or a day tries all that it can"
        " have been, and sshknock analyze --attack does. A secret is not found that way. The scale"
        " is logarithmic: each mark is ten thousand million times the one before.",
        _attack,
    ),
)
