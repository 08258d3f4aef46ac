"""``sshknock analyze --attack``: how soon the seed of a clock is found from one train."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sshknock.analysis.cli.given import is_given, option_of, read
from sshknock.analysis.cli.subjects import Asked
from sshknock.analysis.generators.seeds import SECOND_NS, SEED_FUNCTIONS, parse_moment
from sshknock.errors import BadInput, UsageError, one_line
from sshknock.protocol import sequence_file
from sshknock.system.command_line import parse_time, reading_arguments

if TYPE_CHECKING:
    from sshknock.analysis.attack.attempt import Victim
    from sshknock.analysis.attack.clock import Moments
    from sshknock.analysis.report.model import Report

_OWN = ("train", "around", "within", "seed_function", "lines")
_OF_TRAINS = (*_OWN, "keep_weak")
_OF_OTHERS = ("port_source", "protocol_source", "every", "seed", "nist", "html", "figures")
_PAPERS_KNOCKS = "3-6"

Command = TypeVar("Command", bound=Callable[..., Any])


def attack_options(command: Command) -> Command:
    """Add ``--attack`` and what goes with it."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


_OPTIONS = (
    click.option(
        "--attack",
        is_flag=True,
        help="Find the seed behind a train, if it was the clock: a demonstration, or FILE's first"
        " line.",
    ),
    click.option("--train", metavar="TRAIN", help="Attack this one, as in 11045:tcp,61405:udp."),
    click.option(
        "--around",
        metavar="WHEN",
        help="When its seed was made, as 2017-04-07T12:33:00 or in Unix seconds."
        "  [default: FILE's time, or now]",
    ),
    click.option(
        "--within", metavar="TIME", default="1s", show_default=True, help="How far off that may be."
    ),
    click.option(
        "--seed-function",
        type=click.Choice(list(SEED_FUNCTIONS)),
        help="The function of the clock.  [default: each that has few enough seeds]",
    ),
    click.option(
        "--lines",
        metavar="N",
        type=click.IntRange(1, 25),
        default=1,
        show_default=True,
        help="The train is one of the first N of its file.",
    ),
)


@dataclass(frozen=True, slots=True)
class Attack:
    """The options that are the attack's alone, as they were given."""

    attack: bool
    train: str | None
    around: str | None
    within: str
    seed_function: str | None
    lines: int

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> Attack:
        """Take its options out of those of the command."""
        return cls(**{name: options.pop(name) for name in cls.__slots__})

    def check(self, asked: Asked) -> None:
        """Raise UsageError for options that do not go with each other."""
        if not self.attack:
            for name in filter(is_given, _OWN):
                raise UsageError(f"{option_of(name)} is for --attack")
            return
        for name in filter(is_given, _OF_OTHERS):
            raise UsageError(f"{option_of(name)} does not go with --attack")
        if self.train is not None and asked.file is not None:
            raise UsageError("there is a FILE and a --train", "leave one of them out")
        if self.train is None and asked.file is None:
            for name in filter(is_given, _OF_TRAINS):
                raise UsageError(f"{option_of(name)} is for a FILE or a --train")

    def reports(self, asked: Asked, tell: Callable[[str], None]) -> list[Report]:
        """Run the attack; raise UsageError, or what is wrong with the file."""
        from sshknock.analysis.attack.demonstration import demonstrate  # noqa: PLC0415  numpy
        from sshknock.analysis.attack.given import attack_given  # noqa: PLC0415
        from sshknock.analysis.attack.scheme import paper_recipe  # noqa: PLC0415
        from sshknock.analysis.attack.sections import of_demonstration  # noqa: PLC0415

        if not is_given("knocks"):
            asked = replace(asked, knocks=_PAPERS_KNOCKS)
        parameters = asked.parameters()
        if self.train is None and asked.file is None:
            made = demonstrate(_now(), os.urandom(32), parameters, tell=tell)
            return [of_demonstration(made, parameters)]
        recipe = paper_recipe(parameters, steps=asked.steps, keep_weak=asked.keep_weak)
        victim, moment = self._victim(asked.file)
        with reading_arguments():
            moments = self._moments(moment)
            return [attack_given(victim, moments, recipe, self.lines, self.seed_function, tell)]

    def _victim(self, file: str | None) -> tuple[Victim, int]:
        """Return what was seen, and when its seed was made if nothing else is said."""
        from sshknock.analysis.attack.attempt import Victim  # noqa: PLC0415

        if file is None:
            with reading_arguments():
                lines = sequence_file.parse(self.train or "")
                if len(lines) != 1:
                    raise BadInput("that is no train", "it is written as in 11045:tcp,61405:udp")
            return Victim(lines[0].sequence), _now()
        name = "standard input" if file == "-" else one_line(file)
        try:
            lines = sequence_file.parse(read(file, name))
        except BadInput as error:
            raise BadInput(f"{name}: {error.message}", error.hint) from error
        if not lines:
            raise BadInput(f"{name}: there is no sequence in it")
        moment = _now() if file == "-" else Path(file).stat().st_mtime_ns
        following = lines[1].sequence if len(lines) > 1 else None
        return Victim(lines[0].sequence, following), moment

    def _moments(self, moment: int) -> Moments:
        from sshknock.analysis.attack.clock import Moments  # noqa: PLC0415

        if self.around is not None:
            moment = _moment(self.around)
        return Moments.around(moment, parse_time(self.within) * SECOND_NS)


def _now() -> int:
    return time.time_ns()


def _moment(text: str) -> int:
    """Return nanoseconds since 1970; local time where no zone is said. Raises BadInput."""
    try:
        said = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    except (ValueError, OverflowError, OSError):
        return parse_moment(text)
    return int(said.timestamp()) * SECOND_NS + said.microsecond * 1000
