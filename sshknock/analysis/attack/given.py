"""An attack on a train that the user gives: from their own file, or from what they have seen."""

from __future__ import annotations

from collections.abc import Callable

from sshknock.analysis.attack import telling
from sshknock.analysis.attack.attempt import Attempt, Victim, attempt
from sshknock.analysis.attack.clock import CLOCKS, Clock, Moments
from sshknock.analysis.attack.effort import GUESSES_A_SECOND
from sshknock.analysis.attack.scheme import PaperScheme
from sshknock.analysis.report.model import Measure, Report, Section
from sshknock.analysis.report.wording import shown
from sshknock.analysis.sequence_maker import Recipe
from sshknock.errors import BadInput
from sshknock.protocol.knocks import format_sequence
from sshknock.protocol.parameters import Parameters

SEEDS_AT_MOST = 10_000_000


def attack_given(
    victim: Victim,
    moments: Moments,
    recipe: Recipe,
    lines: int = 1,
    only: str | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Try the seed functions within the moments, or ``only`` one of them, by its name.

    Unless it was named, one with too many seeds is left out, and that is said. Raises BadInput for
    a train that no seed can give.
    """
    parameters = recipe.parameters
    _check(victim, parameters)
    scheme = PaperScheme(recipe)
    rows = []
    for clock in CLOCKS.values() if only is None else [CLOCKS[only]]:
        seeds = clock.count(moments)
        if only is None and seeds > SEEDS_AT_MOST:
            rows.append(_left_out(clock, seeds))
            continue
        made = attempt(victim.train, scheme, clock, moments, lines, tell)
        rows.append(_row(clock.name, victim, made))
    found = any(row.holds is False for row in rows)
    return Report(
        f"The seed of {format_sequence(victim.train)}",
        (
            Section(
                "given",
                "Seeds that the clock can have given (times are one core's)",
                tuple(rows),
                remarks=(_FOUND if found else _NOTHING,),
            ),
        ),
        (
            ("clock read", telling.moments_text(moments)),
            ("ports", f"{parameters.port_min}-{parameters.port_max}"),
            ("knocks", f"{parameters.knocks_min}-{parameters.knocks_max}"),
            ("on the first", "line" if lines == 1 else f"{lines} lines"),
        ),
    )


_FOUND = "Whoever has the seed has the whole file: the lines before the train, and all after it."
_NOTHING = (
    "Nothing was found. Either the seed was no clock; or it was read at another time (--around,"
    " --within), or by another function; or the train is further down in its file (--lines); or the"
    " sequences were made another way (--ports, --knocks, --exclude, --steps, --keep-weak, and the"
    " map's own). Which of them it is, this cannot tell."
)


def _left_out(clock: Clock, seeds: int) -> Measure:
    return Measure(
        f"given.{clock.name}",
        clock.name,
        "not tried",
        meaning=f"{seeds:,} seeds, {shown(seeds / GUESSES_A_SECOND, 'seconds')} of a core or so:"
        f" --seed-function {clock.name} tries them.",
    )


def _row(name: str, victim: Victim, made: Attempt) -> Measure:
    return Measure(
        f"given.{name}",
        name,
        telling.short(made),
        holds=made.match is None,
        meaning=telling.told(made, victim) if made.match else "",
    )


def _check(victim: Victim, parameters: Parameters) -> None:
    """Refuse a train that no seed can give, with the reason."""
    low, high = parameters.port_min, parameters.port_max
    for knock in victim.train:
        if not low <= knock.port <= high or knock.port in parameters.exclude:
            raise BadInput(
                f"the train has port {knock.port}, which these sequences never have",
                f"the ports are {low}-{high}: say another range with --ports, or leave out"
                " --exclude",
            )
    if not parameters.knocks_min <= len(victim.train) <= parameters.knocks_max:
        raise BadInput(
            f"the train has {len(victim.train)} knocks, not"
            f" {parameters.knocks_min} to {parameters.knocks_max}",
            "say how many there can be with --knocks",
        )
