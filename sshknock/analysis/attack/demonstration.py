"""``sshknock analyze --attack``: a victim of our own, what an observer finds, and what not.

The victim makes a file as the paper does. The observer has one of its trains, the program, and a
rough idea of when it ran. Then the same search runs against the derivation in use.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from sshknock.analysis.attack.attempt import Attempt, Victim, attempt
from sshknock.analysis.attack.clock import CLOCKS, Clock, Moments
from sshknock.analysis.attack.derived import SecretFromClock, sequences
from sshknock.analysis.attack.scheme import PaperScheme, paper_recipe
from sshknock.analysis.attack.state import OUTPUTS_NEEDED, recovered
from sshknock.analysis.generators.seeds import SECOND_NS
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

LATER_LINE = 10
"""Where in its file a train stands that is not the first; it is looked for down to there."""

_FINER = 1000
"""Nanoseconds are tried for a time that is so much shorter: a million seeds, as the others."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A victim, and what was found of it."""

    name: str
    victim: Victim
    moments: Moments
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Demonstration:
    """All that was tried."""

    by_clock: tuple[Trial, ...]
    within_a_minute: tuple[Trial, ...]
    later_line: Trial
    derivation: Trial
    system: Trial
    control: Trial
    state_is_told: bool

    @property
    def rate(self) -> float:
        """Guesses a second on one core, over the searches for a train on the first line."""
        searches = [trial.attempt.search for trial in self.by_clock]
        return sum(search.guesses for search in searches) / sum(s.seconds for s in searches)


def demonstrate(
    moment: int,
    secret: bytes,
    parameters: Parameters,
    known_to: int = SECOND_NS,
    tell: Callable[[str], None] = lambda _: None,
) -> Demonstration:
    """Run all of it. ``moment`` is when the victims' clock was read, in nanoseconds.

    ``secret`` are the 32 bytes of a pairing of this program; ``known_to`` is how long the time is
    that the observer takes into account; ``tell`` hears how far it has come.
    """
    paper = PaperScheme(paper_recipe(parameters))

    def observe(name: str, victim: Victim, clock: Clock, within: int, lines: int = 1) -> Trial:
        moments = Moments.whole(moment, within)
        made = attempt(victim.train, paper, clock, moments, lines, tell)
        return Trial(name, victim, moments, made)

    def paper_file(clock: Clock, line: int = 1) -> Victim:
        return Victim.of(paper.lines(clock.seed(moment)), line)

    finest, fine, coarse = CLOCKS["nanoseconds"], CLOCKS["microseconds"], CLOCKS["seconds"]
    control = SecretFromClock(parameters)
    hour = Moments.whole(moment, 3600 * known_to)
    made_of_clock = Victim.of(control.lines(coarse.seed(moment)))
    return Demonstration(
        by_clock=tuple(
            observe(name, paper_file(clock), clock, known_to // (_FINER if clock is finest else 1))
            for name, clock in CLOCKS.items()
        ),
        within_a_minute=tuple(
            observe(name, paper_file(clock), clock, 60 * known_to)
            for name, clock in CLOCKS.items()
            if clock.tick_ns > fine.tick_ns
        ),
        later_line=observe(
            f"line {LATER_LINE}", paper_file(fine, LATER_LINE), fine, known_to, LATER_LINE
        ),
        derivation=observe(
            "derivation", Victim.of(sequences(Secret(secret), parameters)), fine, known_to
        ),
        system=observe(
            "system", Victim.of(paper.lines(int.from_bytes(secret, "big"))), fine, known_to
        ),
        control=Trial(
            "control",
            made_of_clock,
            hour,
            attempt(made_of_clock.train, control, coarse, hour),
        ),
        state_is_told=_state_is_told(int.from_bytes(secret, "big")),
    )


def _state_is_told(seed: int) -> bool:
    """Tell whether whole outputs of a generator, whatever its seed, give those that follow."""
    victim = random.Random(seed)  # noqa: S311  what this is about
    observer = recovered([victim.getrandbits(32) for _ in range(OUTPUTS_NEEDED)])
    return all(observer.getrandbits(32) == victim.getrandbits(32) for _ in range(OUTPUTS_NEEDED))
