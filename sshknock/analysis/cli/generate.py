"""``sshknock generate``: the paper's sequence file, with each of its parameters."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click

from sshknock.analysis.cli.seeding import SEED_NAMES, SEED_OPTIONS, Seed, read_seed
from sshknock.analysis.generators.bits import BITS, ORBITS
from sshknock.analysis.generators.numbers import KEYLESS, NUMBERS
from sshknock.analysis.sequence_maker import PAPER_START, Recipe, sequences
from sshknock.errors import SshknockError, UsageError, report
from sshknock.protocol.henon import Point
from sshknock.protocol.names import shown
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.ranges import parse_lengths, parse_ports, parse_range
from sshknock.protocol.sequence_file import unused_line
from sshknock.system.command_line import print_parts, reading_arguments
from sshknock.system.files import write_private

_DEFAULTS = Parameters()
_LINES_AT_ONCE = 4096
_STANDARD_OUTPUT = Path("-")


def _with_seed_options(command: Any) -> Any:
    for option in reversed(SEED_OPTIONS):
        command = option(command)
    return command


@click.command(short_help="Make a file of one-time sequences.")
@click.option(
    "--count",
    type=click.IntRange(1, 10**9),
    default=6,
    show_default=True,
    metavar="N",
    help="Of sequences.",
)
@_with_seed_options
@click.option(
    "--ports", metavar="LOW-HIGH", default="3000-65000", show_default=True, help="Of the knocks."
)
@click.option(
    "--knocks", metavar="N|LOW-HIGH", default="3-6", show_default=True, help="In a sequence."
)
@click.option("--exclude", metavar="PORT,...", default="", help="Ports that are never knocked.")
@click.option(
    "--port-source",
    type=click.Choice(list(NUMBERS)),
    help="What draws the ports.  [default: hmac; with --seed time the paper's, mt19937]",
)
@click.option(
    "--protocol-source",
    type=click.Choice(list(BITS)),
    default="henon",
    show_default=True,
    help="What draws tcp or udp.",
)
@click.option(
    "--henon-a", type=float, default=_DEFAULTS.henon_a, show_default=True, help="The map's a."
)
@click.option(
    "--henon-b", type=float, default=_DEFAULTS.henon_b, show_default=True, help="The map's b."
)
@click.option(
    "--threshold", type=float, default=_DEFAULTS.threshold, show_default=True, help="udp above it."
)
@click.option(
    "--start",
    metavar="X,Y",
    help="Where henon's orbit begins.  [default: by the seed; with --seed time the paper's, 0,0]",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Of an orbit between two protocols.  [default: 8 of henon, 100 of chua; the paper's: 1]",
)
@click.option("--keep-weak", is_flag=True, help="Also what a sweep of all ports would play.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a file that only you can read; - is the standard output.",
)
@click.option("--force", is_flag=True, help="Replace FILE.")
def generate(
    count: int,
    ports: str,
    knocks: str,
    exclude: str,
    port_source: str | None,
    protocol_source: str,
    start: str | None,
    output: Path | None,
    **values: Any,
) -> None:
    """Make one-time sequences, a line each, as knockd's One_Time_Sequences takes them.

    Ports and protocols come of two generators that know nothing of each other. With --seed time a
    function of the clock seeds the Mersenne Twister, and henon's orbit begins at (0, 0), as in the
    paper: the protocols are drawn from the same bits in every run (with --keep-weak they are the
    same). Whoever knows when that was done can find the seed: that is for experiments, and so is a
    seed on the command line, which others on the machine can see. For servers in use there are
    enroll and push.

    A file that a stock knockd will read needs lines of one length, as by --knocks 5: a line that
    is longer than the one before opens with its last knocks alone.
    """
    seed = read_seed(**{name: values.pop(name) for name in SEED_NAMES})
    force, keep_weak, steps = (values.pop(name) for name in ("force", "keep_weak", "steps"))
    with reading_arguments():
        port_min, port_max = parse_range(ports)
        knocks_min, knocks_max = parse_lengths(knocks)
        recipe = Recipe(
            Parameters(
                port_min=port_min,
                port_max=port_max,
                knocks_min=knocks_min,
                knocks_max=knocks_max,
                exclude=parse_ports(exclude),
                **values,
            ),
            port_source=port_source or ("mt19937" if seed.is_time else "hmac"),
            protocol_source=protocol_source,
            start=_start(start, protocol_source, from_clock=seed.is_time),
            steps=steps,
            keep_weak=keep_weak,
        )
    output = None if output == _STANDARD_OUTPUT else output
    _refuse_contradictions(recipe, seed, output, force=force)
    lines = (unused_line(*drawn) for drawn in islice(sequences(recipe, seed.value), count))
    if seed.is_time:
        report(_warning(recipe))
    if output is None:
        print_parts(_joined(lines))
        return
    text = "".join(lines)
    _refuse_occupied(output, force=force)  # again: a million lines take their time
    write_private(output, text.encode("ascii"))
    click.echo(f"wrote {count} sequences to {output}")


def _start(text: str | None, protocol_source: str, *, from_clock: bool) -> Point | None:
    """Return where the orbit begins, None standing for where the key says; raise UsageError."""
    if text is None:
        return PAPER_START if from_clock and protocol_source == "henon" else None
    if protocol_source != "henon":
        raise UsageError("--start is where henon's orbit begins", "--protocol-source henon")
    try:
        x, y = map(float, text.split(","))
    except ValueError as error:
        raise UsageError(f"{shown(text)} is no point", "two numbers, as in 0,0") from error
    return x, y


def _refuse_contradictions(recipe: Recipe, seed: Seed, output: Path | None, *, force: bool) -> None:
    if recipe.steps is not None and recipe.protocol_source not in ORBITS:
        raise UsageError(
            f"--steps is for orbits, and {recipe.protocol_source} has none",
            "--protocol-source henon or chua",
        )
    keyless = KEYLESS & {recipe.port_source, recipe.protocol_source}
    if keyless and seed.chosen:
        raise UsageError(
            f"{min(keyless)} gives other numbers each time, whatever the seed",
            "leave the seed out, or take a source that has one",
        )
    if output is None and force:
        raise UsageError("--force is for -o", "without -o nothing is written to a file")
    if output is not None:
        _refuse_occupied(output, force=force)


def _refuse_occupied(output: Path, *, force: bool) -> None:
    if not os.path.lexists(output):
        return
    if not (output.is_symlink() or output.is_file()):
        raise UsageError(f"{output} is no file")
    if not force:
        raise UsageError(f"{output} is there already", "--force replaces it")


def _warning(recipe: Recipe) -> SshknockError:
    same = recipe.start is not None
    return SshknockError(
        "a clock can be guessed" + (", and each run draws the same protocols" if same else ""),
        "for experiments only: sshknock analyze --attack FILE guesses it, not one of --seed system",
    )


def _joined(lines: Iterable[str]) -> Iterator[str]:
    rest = iter(lines)
    while text := "".join(islice(rest, _LINES_AT_ONCE)):
        yield text
