"""The options of a seed, and the seed that they mean."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import click

from sshknock.analysis.generators.seeds import (
    SEED_DIGITS,
    SEED_FUNCTIONS,
    digits,
    hex_seed,
    parse_moment,
)
from sshknock.errors import UsageError
from sshknock.protocol.names import shown
from sshknock.protocol.secrets import SECRET_BYTES
from sshknock.records import record
from sshknock.system.command_line import read_private, reading_arguments

SEED_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--seed",
        metavar="system|time|HEX",
        help="The operating system's random numbers, a function of the clock, or digits that give"
        " the same each time, for experiments.  [default: system]",
    ),
    click.option(
        "--seed-file",
        type=click.Path(),
        metavar="F",
        help="Hex digits that are a secret; - reads them here.",
    ),
    click.option(
        "--seed-function",
        type=click.Choice(list(SEED_FUNCTIONS)),
        help="Of the clock.  [default: digits, the last ones of its seconds and six decimals]",
    ),
    click.option(
        "--seed-digits",
        type=click.IntRange(0, 10),
        metavar="N",
        help=f"How many of the seconds' digits.  [default: {SEED_DIGITS}]",
    ),
    click.option(
        "--seed-time",
        metavar="SECONDS",
        help="Unix seconds with decimals, instead of the clock's.",
    ),
)

SEED_NAMES = ("seed", "seed_file", "seed_function", "seed_digits", "seed_time")
"""What the options are called when they arrive."""


@record
class Seed:
    """``value`` is a number when it came of the clock, else a key.

    ``chosen`` tells that it can be had again.
    """

    value: bytes | int
    chosen: bool = True

    @property
    def is_time(self) -> bool:
        """Whether it came of the clock, or of a moment that was named."""
        return isinstance(self.value, int)


def read_seed(
    seed: str | None,
    seed_file: str | None,
    seed_function: str | None,
    seed_digits: int | None,
    seed_time: str | None,
) -> Seed:
    """Return what the options mean; raise UsageError, BadInput and what reading a file raises."""
    of_time = {
        "--seed-function": seed_function,
        "--seed-digits": seed_digits,
        "--seed-time": seed_time,
    }
    for name, value in of_time.items():
        if value is not None and seed != "time":
            raise UsageError(f"{name} is for a seed of the clock", "--seed time")
    if seed_file is not None:
        if seed is not None:
            raise UsageError("--seed and --seed-file both give a seed", "take one of the two")
        return Seed(hex_seed(read_private(seed_file).strip(), "what the seed's file holds"))
    if seed == "time":
        return Seed(_of_time(seed_function or "digits", seed_digits, seed_time))
    if seed in {None, "system"}:
        return Seed(os.urandom(SECRET_BYTES), chosen=False)
    with reading_arguments():
        return Seed(hex_seed(seed, f"the seed {shown(seed)}"))


def _of_time(function: str, of_seconds: int | None, moment: str | None) -> int:
    with reading_arguments():
        time_ns = time.time_ns() if moment is None else parse_moment(moment)
    if of_seconds is None:
        return SEED_FUNCTIONS[function](time_ns)
    if function != "digits":
        raise UsageError(f"--seed-digits is not for {function}", "--seed-function digits")
    return digits(time_ns, of_seconds)
