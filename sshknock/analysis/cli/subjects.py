"""What ``sshknock analyze`` was asked to look at: its options become reports."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sshknock.analysis.cli.given import is_given, option_of, read
from sshknock.analysis.generators.bits import ORBITS
from sshknock.analysis.generators.numbers import KEYLESS
from sshknock.analysis.generators.seeds import hex_seed
from sshknock.errors import BadInput, UsageError, one_line
from sshknock.protocol.names import shown
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.ranges import parse_lengths, parse_ports, parse_range
from sshknock.protocol.secrets import SECRET_BYTES
from sshknock.system.command_line import reading_arguments

if TYPE_CHECKING:
    from sshknock.analysis.examination import Subject
    from sshknock.analysis.report.model import Report

_SYSTEM = "system"
_OF_FILES = frozenset({"ports", "exclude"})
_OF_HENON = frozenset({"henon_a", "henon_b", "threshold"})
_OF_A_PAIR = frozenset(
    {"port_source", "protocol_source", "ports", "knocks", "exclude", "keep_weak"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that say what is looked at, as they were given."""

    file: str | None
    every: bool
    nist: bool
    port_source: str
    protocol_source: str
    ports: str
    knocks: str
    exclude: str
    keep_weak: bool
    henon_a: float
    henon_b: float
    threshold: float
    steps: int | None
    seed: str | None

    def check(self) -> None:
        """Raise UsageError for options that do not go with each other."""
        given = {name for name in self.__slots__ if is_given(name)} - {"file"}
        if self.file is not None:
            for name in sorted(given - _OF_FILES):
                raise UsageError(f"{option_of(name)} is for generators, not for a file")
        for name in sorted(given & _OF_A_PAIR):
            if self.every:
                raise UsageError(f"{option_of(name)} is for one pair of generators, not for --all")
        if not self.every and self.file is None:
            self._refuse_what_changes_nothing(given)

    def _refuse_what_changes_nothing(self, given: set[str]) -> None:
        source = self.protocol_source
        for name in sorted(given & _OF_HENON):
            if source != "henon":
                raise UsageError(f"{option_of(name)} is for henon", "--protocol-source henon")
        if "steps" in given and source not in ORBITS:
            raise UsageError(
                f"--steps is for orbits, and {source} has none",
                f"--protocol-source {' or '.join(ORBITS)}",
            )
        keyless = KEYLESS & {self.port_source, source}
        if self.seed not in {None, _SYSTEM} and keyless:
            raise UsageError(
                f"{min(keyless)} gives other numbers each time, whatever the seed",
                "leave the seed out, or take a source that has one",
            )

    def parameters(self) -> Parameters:
        """Return the range of ports, how many knocks, and the map; raise UsageError."""
        with reading_arguments():
            port_min, port_max = parse_range(self.ports)
            knocks_min, knocks_max = parse_lengths(self.knocks)
            return Parameters(
                port_min=port_min,
                port_max=port_max,
                knocks_min=knocks_min,
                knocks_max=knocks_max,
                exclude=parse_ports(self.exclude),
                henon_a=self.henon_a,
                henon_b=self.henon_b,
                threshold=self.threshold,
            )

    def subject(self) -> Subject:
        """Return the generators and their parameters; raise UsageError."""
        from sshknock.analysis.examination import DEFAULT_SEED, Subject  # noqa: PLC0415

        parameters = self.parameters()
        with reading_arguments():
            seed = DEFAULT_SEED
            if self.seed == _SYSTEM:
                seed = os.urandom(SECRET_BYTES)
            elif self.seed is not None:
                seed = hex_seed(self.seed, f"the seed {shown(self.seed)}")
        return Subject(
            self.port_source, self.protocol_source, parameters, self.steps, seed, self.keep_weak
        )

    def reports(self) -> list[Report]:
        """Measure it; raise UsageError, or what is wrong with the file."""
        from sshknock.analysis import examination  # noqa: PLC0415  numpy takes its time

        if self.file is not None:
            return [self._of_file(self.file)]
        subject = self.subject()
        with reading_arguments():  # an orbit that escapes is one of bad parameters
            if self.every:
                return examination.of_all(subject, nist=self.nist)
            return [examination.of_pair(subject, nist=self.nist)]

    def _of_file(self, file: str) -> Report:
        from sshknock.analysis import examination  # noqa: PLC0415
        from sshknock.protocol import sequence_file  # noqa: PLC0415

        with reading_arguments():
            bounds = parse_range(self.ports) if is_given("ports") else None
            exclude = parse_ports(self.exclude)
        name = "standard input" if file == "-" else one_line(file)
        try:
            lines = sequence_file.parse(read(file, name))
            return examination.of_file(name, lines, bounds, exclude)
        except BadInput as error:
            raise BadInput(f"{name}: {error.message}", error.hint) from error
