"""What ``sshknock analyze`` looks at: samples of generators, or the sequences of a file."""

from __future__ import annotations

import hmac
from collections.abc import Sequence as Ordered
from dataclasses import dataclass, replace

import numpy as np

from sshknock.analysis import distances, samples
from sshknock.analysis.generators.bits import BITS as BIT_SOURCES
from sshknock.analysis.generators.numbers import NUMBERS
from sshknock.analysis.measures import (
    batches,
    batteries,
    doors,
    ports,
    protocols,
    sequences,
    together,
)
from sshknock.analysis.measures.batches import Batch
from sshknock.analysis.measures.counting import PAPER, Scheme
from sshknock.analysis.report.model import Report, Section
from sshknock.errors import BadInput
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.sequence_file import Line

DEFAULT_SEED = bytes(32)
"""A fixed seed, so that the same command gives the same report; any other does as well."""

BITS = 1_000_000
KNOCKS = 1 << 18
SLOW = frozenset({"hwrng"})
"""A hardware's generator can give as little as a few thousand bytes a second."""

_SLOW_COUNT = ports.PAPER_NUMBERS
_NUMBER_BOUNDS = (0, 65535)

_OF_STREAMS = frozenset({"ports", "protocols", "together"})
_SLIGHT = frozenset({("protocols", "runs"), ("protocols", "serial_correlation")})
"""Tests that tell a million bits from a coin's; what that is worth is judged by other measures."""

_RANGES = ((3000, 65000), (1024, 65535), (1, 65535))


@dataclass(frozen=True, slots=True)
class Subject:
    """Two generators and how sequences are made of them.

    ``parameters`` has ports, knocks and coefficients; its own two sources are not looked at, since
    the laboratory has more of them. ``steps`` lie between two samples of an orbit (None: as many as
    in the derivation), ``seed`` sets both generators; ``keeps_weak`` tells that weak sequences are
    not drawn again.
    """

    port_source: str
    protocol_source: str
    parameters: Parameters
    steps: int | None = None
    seed: bytes = DEFAULT_SEED
    keeps_weak: bool = False

    def key(self, stream: str) -> bytes:
        """Return the key of a stream: the two never share one."""
        return hmac.digest(self.seed, f"sshknock/analyze/{stream}".encode("ascii"), "sha256")

    def numbers(self, count: int) -> samples.Numbers:
        """Return numbers, fewer of a slow source."""
        if self.port_source in SLOW:
            count = min(count, _SLOW_COUNT)
        return samples.numbers(self.port_source, count, self.key("ports"))

    def bits(self, count: int) -> samples.Bits:
        """Return bits, fewer of a slow source."""
        if self.protocol_source in SLOW:
            count = min(count, _SLOW_COUNT)
        key, bits = self.key("protocols"), self.parameters.bits
        return samples.bits(self.protocol_source, count, key, bits, self.steps)


def of_pair(subject: Subject, *, nist: bool) -> Report:
    """Measure a pair of generators, and the sequences that are made of them."""
    numbers, bits = subject.numbers(KNOCKS), subject.bits(BITS)
    parameters = subject.parameters
    bounds = parameters.port_min, parameters.port_max
    lengths = parameters.knocks_min, parameters.knocks_max
    drawn = batches.of_streams(numbers, bits, bounds, lengths, parameters.exclude)
    kept = drawn if subject.keeps_weak else [b.where(~batches.weak(b)) for b in drawn]
    papers = (PAPER.port_min, PAPER.port_max), (PAPER.knocks_min, PAPER.knocks_max)
    scheme = Scheme.of(parameters, keeps_weak=subject.keeps_weak)
    sections = [
        _ports(subject, numbers),
        _protocols(subject, bits),
        together.section(numbers, bits, _NUMBER_BOUNDS),
        sequences.section(scheme, drawn, parameters.window, of_file=False),
        doors.section(
            scheme,
            kept,
            batches.of_streams(numbers, bits, *papers),
            parameters.window,
            subject.key("sweep"),
        ),
    ]
    if nist:
        sections += [_port_battery(subject), _protocol_battery(subject)]
    names = f"ports by {subject.port_source}, protocols by {subject.protocol_source}"
    return Report(names, _with_flaws_told(sections), _parameters(subject))


def of_all(subject: Subject, *, nist: bool) -> list[Report]:
    """Measure every generator by itself, but for slow ones, which are named."""
    return [
        *(
            of_numbers(replace(subject, port_source=source), nist=nist)
            for source in NUMBERS
            if source not in SLOW
        ),
        *(
            of_bits(replace(subject, protocol_source=source), nist=nist)
            for source in BIT_SOURCES
            if source not in SLOW
        ),
        *map(_left_out, sorted(SLOW)),
    ]


def _left_out(source: str) -> Report:
    remark = f"It can be slow: --port-source {source} measures it."
    return Report(source, (Section("left_out", f"Left out: {source}", (), remarks=(remark,)),))


def of_numbers(subject: Subject, *, nist: bool) -> Report:
    """Measure the generator of the ports alone."""
    sections = [_ports(subject, subject.numbers(ports.PAPER_NUMBERS))]
    if nist:
        sections.append(_port_battery(subject))
    return Report(f"ports by {subject.port_source}", tuple(sections))


def of_bits(subject: Subject, *, nist: bool) -> Report:
    """Measure the generator of the protocols alone."""
    sections = [_protocols(subject, subject.bits(BITS))]
    if nist:
        sections.append(_protocol_battery(subject))
    return Report(f"protocols by {subject.protocol_source}", tuple(sections))


def of_file(
    name: str, lines: Ordered[Line], bounds: tuple[int, int] | None, exclude: frozenset[int]
) -> Report:
    """Measure the sequences of a file, used ones too.

    ``bounds`` are the ports that they were drawn from, None if that is not known. Raises BadInput
    when there are no sequences, or when the ports are others.
    """
    if not lines:
        raise BadInput("no sequences", "a line each, as in 11045:tcp,61405:udp")
    held = batches.of_sequences(line.sequence for line in lines)
    bounds = _bounds(held, bounds)
    weak = any(bool(batches.weak(batch).any()) for batch in held)
    excluded = sum(bounds[0] <= port <= bounds[1] for port in exclude)
    usable = bounds[1] - bounds[0] + 1 - excluded
    scheme = Scheme(usable, held[0].length, held[-1].length, keeps_weak=weak)
    knocks = np.concatenate([batch.ports.ravel() for batch in held])
    bits = np.concatenate([batch.bits.ravel() for batch in held])
    # Within a sequence the order is not that of chance where weak ones are left out; from one
    # sequence to the next it is.
    means = np.array([np.mean([knock.port for knock in line.sequence]) for line in lines])
    used = sum(line.used for line in lines)
    seed = hmac.digest(DEFAULT_SEED, b"sshknock/analyze/sweep", "sha256")
    sections = [
        ports.section(knocks, bounds, f"Ports: the {len(knocks):,} of the file", in_order=means),
        protocols.section_of_batches(held, f"Protocols: the {len(bits):,} of the file"),
        together.section(knocks, bits, bounds),
        sequences.section(scheme, held, 1, of_file=True),
        doors.section_of_file(scheme, held, seed),
    ]
    told = (
        ("sequences", f"{len(lines):,}"),
        ("used", f"{used:,}"),
        ("ports", f"{bounds[0]}-{bounds[1]}"),
        ("knocks", f"{scheme.shortest}-{scheme.longest}"),
    )
    return Report(name, _with_flaws_told(sections), told)


def _with_flaws_told(sections: Ordered[Section]) -> tuple[Section, ...]:
    """Say in what is computed that a flaw which was measured makes it untrue."""
    flaws = [
        measure.label
        for section in sections
        if section.column == "measured" and section.key in _OF_STREAMS
        for measure in section.measures
        if measure.holds is False and (section.key, measure.key) not in _SLIGHT
    ]
    if not flaws:
        return tuple(sections)
    remark = (
        f"A NO above matters here: {', '.join(flaws)}. What is computed is not true of these:"
        " they are easier to guess, or to sweep, than that."
    )
    return tuple(
        replace(section, remarks=(remark, *section.remarks))
        if section.column == "computed"
        else section
        for section in sections
    )


def _ports(subject: Subject, numbers: samples.Numbers) -> Section:
    sample = numbers[: ports.PAPER_NUMBERS]
    title = f"Ports: {len(sample):,} numbers of {subject.port_source}"
    return ports.section(sample, _NUMBER_BOUNDS, title)


def _protocols(subject: Subject, bits: samples.Bits) -> Section:
    title = f"Protocols: {len(bits):,} bits of {subject.protocol_source}"
    parameters = subject.parameters
    lengths = range(parameters.knocks_min, parameters.knocks_max + 1)
    section = protocols.section(bits, title, lengths)
    if subject.protocol_source not in distances.USUAL:
        return section
    key, coefficients = subject.key("protocols"), parameters.bits
    curve = distances.curve(subject.protocol_source, key, coefficients, subject.steps)
    return replace(section, series=(curve,))


def _port_battery(subject: Subject) -> Section:
    octets = batteries.octets_of_numbers(subject.numbers(batteries.OCTETS // 2))
    return batteries.section(
        octets, "ports_battery", f"ent and dieharder: ports by {subject.port_source}"
    )


def _protocol_battery(subject: Subject) -> Section:
    octets = batteries.octets_of_bits(subject.bits(batteries.OCTETS * 8))
    return batteries.section(
        octets, "protocols_battery", f"ent and dieharder: protocols by {subject.protocol_source}"
    )


def _bounds(held: Ordered[Batch], given: tuple[int, int] | None) -> tuple[int, int]:
    """Return the range of the ports: the given one, or the first of the usual that has them all."""
    low = min(int(batch.ports.min()) for batch in held)
    high = max(int(batch.ports.max()) for batch in held)
    for bounds in _RANGES if given is None else (given,):
        if bounds[0] <= low <= high <= bounds[1]:
            return bounds
    raise BadInput(
        f"the ports go from {low} to {high}, not within --ports",
        "without --ports the range is guessed",
    )


def _parameters(subject: Subject) -> tuple[tuple[str, str], ...]:
    parameters = subject.parameters
    told = [
        ("ports", f"{parameters.port_min}-{parameters.port_max}"),
        ("knocks", f"{parameters.knocks_min}-{parameters.knocks_max}"),
    ]
    if parameters.exclude:
        told.append(("excluded", f"{len(parameters.exclude)}"))
    if subject.protocol_source == "henon":
        told += [
            ("a", f"{parameters.henon_a:g}"),
            ("b", f"{parameters.henon_b:g}"),
            ("threshold", f"{parameters.threshold:g}"),
        ]
    usual = distances.USUAL.get(subject.protocol_source)
    if usual is not None:
        told.append(("steps", str(usual if subject.steps is None else subject.steps)))
    told.append(("seed", "fixed" if subject.seed == DEFAULT_SEED else "given"))
    return tuple(told)
