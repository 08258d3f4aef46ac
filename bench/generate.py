"""Measure how long a million sequences take: those of ``sshknock generate``, and of ``derive``.

    bench/run.sh generate [--count N] [--rounds N]

Each is a process of its own that makes as many, in turns. What is compared is the processor's time,
which a busy machine changes less. Chua's circuit makes fewer, and its time is what a million would
take.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.machine import describe

DERIVE = """
import sys
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.sequence_file import Line, render
parameters = Parameters(knocks_min=3, protocol_source=sys.argv[1])
for counter in range(int(sys.argv[2])):
    render([Line(derive(Secret(bytes(32)), Purpose.OPEN, counter, parameters))])
"""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """One way to make sequences; ``share`` of the count is what it really makes."""

    name: str
    arguments: Sequence[str]
    share: float = 1.0


def generating(*options: str) -> Sequence[str]:
    """Return the program with options; a count and a file come behind."""
    return ["-m", "sshknock.cli", "generate", *options, "--force", "-o"]


WAYS = (
    Way("derive", ["-c", DERIVE, "henon"], 0.1),
    Way("generate", generating()),
    Way("generate --seed time", generating("--seed", "time")),
    Way("generate --protocol-source hmac", generating("--protocol-source", "hmac")),
    Way("derive, chua", ["-c", DERIVE, "chua"], 0.005),
    Way("generate --protocol-source chua", generating("--protocol-source", "chua"), 0.005),
)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=MILLION)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    taken: dict[str, list[float]] = {way.name: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="sshknock-bench-") as folder:
        for _ in range(given.rounds):
            for way in WAYS:
                taken[way.name].append(seconds_for_a_million(way, given.count, Path(folder)))
    usual = statistics.median(taken[WAYS[0].name])
    print("| a million sequences | median s of processor | fastest | slowest | ratio |")
    print("| --- | --- | --- | --- | --- |")
    for name, values in taken.items():
        median = statistics.median(values)
        print(
            f"| {name} | {median:.1f} | {min(values):.1f} | {max(values):.1f}"
            f" | {median / usual:.2f} |"
        )
    print(f"\n{describe()}")


def seconds_for_a_million(way: Way, count: int, folder: Path) -> float:
    """Run it once; return the seconds of processor that a million would take."""
    made = max(1, round(count * way.share))
    file = [str(folder / "sequences"), "--count"] if "generate" in way.arguments else []
    with subprocess.Popen(
        [sys.executable, *way.arguments, *file, str(made)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way.name} failed")
    return (usage.ru_utime + usage.ru_stime) * MILLION / made


if __name__ == "__main__":
    main()
