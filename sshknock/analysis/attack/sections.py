"""The attack as a report: what was run, what it would take, and what it does not show."""

from __future__ import annotations

import math

from sshknock.analysis.attack import effort, odds, telling
from sshknock.analysis.attack.demonstration import Demonstration, Trial
from sshknock.analysis.attack.state import OUTPUTS_NEEDED
from sshknock.analysis.report.model import Measure, Report, Section
from sshknock.protocol.parameters import Parameters

_DAY, _MICROSECONDS = 86_400, 1_000_000


def of_demonstration(made: Demonstration, parameters: Parameters) -> Report:
    """Return all that the demonstration showed."""
    return Report(
        "The paper's scheme, attacked: one train is seen, the clock is roughly known",
        (
            _by_clock(made),
            _later(made),
            _efforts(made),
            _knocks(parameters),
            _protocols(),
            _state(made),
            _secrets(made),
        ),
        (("ports", f"{parameters.port_min}-{parameters.port_max}"),),
    )


def _by_clock(made: Demonstration) -> Section:
    return Section(
        "clock",
        "Clock known to a second: all its seeds tried (times are one core's)",
        tuple(_found(trial, f"second.{trial.name}") for trial in made.by_clock),
        remarks=(
            "digits are the last two digits of the seconds and six decimals, decimals only those:"
            " their seeds come again every 100 seconds, and every second. Against decimals an"
            " observer needs to know nothing of the time: there are a million seeds, ever."
            " Nanoseconds were tried for a thousandth of the time: it takes them a thousand times"
            " as long to try a second.",
        ),
    )


def _later(made: Demonstration) -> Section:
    return Section(
        "more",
        "Less is known: a minute; a train further down in its file",
        (
            *(
                _found(trial, f"minute.{trial.name}", f"{trial.name}, in a minute")
                for trial in made.within_a_minute
            ),
            _found(made.later_line, "line", f"microseconds, {made.later_line.name}"),
        ),
        remarks=("A seed that was found gives the lines before the train as well.",),
    )


def _efforts(made: Demonstration) -> Section:
    rows: list[Measure] = []
    for row in effort.clock_efforts(_MICROSECONDS, math.inf, made.rate):
        how = "extrapolated, not run" if rows else "run, above"
        rows.append(
            Measure(
                f"effort.{row.known.split()[-1]}",
                f"microseconds, known to {row.known}",
                row.seconds,
                "seconds",
                meaning=f"{row.guesses:,.0f} guesses; {how}.",
            )
        )
    secret = effort.secret_effort(made.rate)
    rows.append(
        Measure(
            "effort.secret",
            secret.known,
            secret.seconds,
            "seconds",
            meaning=f"2^{effort.SECRET_BITS} guesses; extrapolated.",
        )
    )
    return Section(
        "effort",
        "What it takes to try them all, on one core",
        (
            Measure(
                "rate",
                "guesses a second",
                round(made.rate),
                meaning="Measured just now, in processor time of this machine. Halve the times"
                " below for the guess that is right, on average; divide them by the cores.",
            ),
            *rows,
        ),
    )


def _knocks(parameters: Parameters) -> Section:
    day = _DAY * _MICROSECONDS
    ports = parameters.usable_ports
    return Section(
        "knocks",
        "How much one train tells",
        (
            Measure(
                "knocks.port",
                "a port",
                odds.train_bits(1, ports),
                "bits",
                meaning=f"One of {ports:,}.",
            ),
            Measure("knocks.day", "the seeds of a day in microseconds", math.log2(day), "bits"),
            *(
                Measure(
                    f"knocks.{knocks}",
                    f"wrong seeds, {knocks} knocks seen",
                    wrong,
                    "" if wrong > 1 else "chance",
                    meaning=meaning,
                )
                for knocks, meaning in (
                    (2, "Of a day's seeds, so many give the same ports by chance, on average."),
                    (3, "The shortest train is enough."),
                    (6, ""),
                )
                for wrong in (odds.chance_matches(day, 1, knocks, ports),)
            ),
        ),
    )


def _protocols() -> Section:
    return Section(
        "protocols",
        "What the protocols add",
        (
            Measure(
                "protocols.bits",
                "a protocol",
                0.0,
                "bits",
                meaning="The Henon map starts at (0, 0) whatever the seed: whoever knows a, b and"
                " the threshold knows all protocols of all files beforehand.",
            ),
        ),
        remarks=(
            "With a, b and the threshold kept secret, one file that was seen still gives the"
            " protocols of the next one, since they are the same in every run. The seed does not"
            " depend on them: the ports of one train single it out, see above.",
        ),
    )


def _secrets(made: Demonstration) -> Section:
    return Section(
        "secrets",
        "The same search, when the seed was no clock",
        (
            _found(made.derivation, "secret.derivation", "the derivation in use"),
            _found(made.system, "secret.system", "the paper's scheme, a seed of the system"),
            _found(made.control, "secret.clock", "the derivation, its secret a clock"),
        ),
        remarks=(
            "Finding nothing proves little: it shows that these trains do not come of the clock"
            " seeds that were tried, and that the search does not see seeds where there are none."
            " That no other way is shorter is not shown here; it rests on HMAC-SHA-256 being"
            " what it is taken for, and on a secret of 256 bits, which nobody tries out.",
            "The last row is the control: the same HKDF over a secret that is only the time falls"
            " at once. What protects is the secret.",
        ),
    )


def _state(made: Demonstration) -> Section:
    return Section(
        "state",
        "Without any seed: Mersenne Twister's state",
        (
            Measure(
                "state.outputs",
                "whole outputs that tell all others",
                OUTPUTS_NEEDED,
                holds=not made.state_is_told,
                meaning=f"{OUTPUTS_NEEDED} outputs of a generator with a seed of 256 bits were"
                f" seen; the next {OUTPUTS_NEEDED} predicted:"
                f" {'yes' if made.state_is_told else 'no'}.",
            ),
        ),
        remarks=(
            "Ports of 3000-65000 show the upper 16 bits of an output, and not how many were thrown"
            " away between two of them, so this does not work on ports as it stands. Their bits are"
            " linear in the state all the same: some 1,250 ports with the gaps known have as many"
            " bits as it has, 19,937 (not tried here)."
            " One train is far from enough, and the clock is much quicker. Python's own"
            " documentation calls the generator completely unsuitable for cryptographic purposes.",
        ),
    )


def _found(trial: Trial, key: str, label: str = "") -> Measure:
    """Return the row of an attack: it should find nothing."""
    return Measure(
        key,
        label or trial.name,
        telling.short(trial.attempt),
        holds=trial.attempt.match is None,
        meaning=telling.told(trial.attempt, trial.victim),
    )
