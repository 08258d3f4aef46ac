"""Measure one command over many servers: wall time, and the most memory that it takes here.

    bench/run.sh fleet [--servers N]      as root

Real hosts: each server has its own network, sshd, knockd and firewall table, on this one machine,
which does the work of both sides. So the seconds say little; the ratios say what many cost.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from bench import machine
from tests.lab import Installation, Lab
from tests.lab.fleet import INVENTORY, Fleet

SOME = 20
JOBS = (1, 8, 32)
LONG_S = 3600
MEASURED = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    "sys.exit(code)\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command over so many servers took: seconds, and megabytes at the peak."""

    servers: int
    seconds: float
    megabytes: float

    @property
    def each_s(self) -> float:
        """The seconds for one server."""
        return self.seconds / self.servers


def measured(fleet: Fleet, servers: int, *words: str) -> Cost:
    """Run sshknock to its end; it has to succeed."""
    started = time.perf_counter()
    python = ["/usr/bin/python3", "-ISc", MEASURED, "sshknock", *words]
    done = fleet.laptop.run(python, timeout_s=LONG_S)
    return Cost(servers, time.perf_counter() - started, int(done.stdout) / 1024)


def enrolled(fleet: Fleet, first: int, last: int, jobs: int) -> Cost:
    """Enrol the servers from ``first`` on, before ``last``."""
    fleet.put_inventory(*(server.name for server in fleet.servers[first:last]))
    words = ("enroll", "--inventory", INVENTORY, "--keyring", "file", "--jobs", str(jobs))
    return measured(fleet, last - first, *words)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=int, default=200)
    size = parser.parse_args().servers
    with Installation() as installation, Lab(installation) as lab:
        fleet = Fleet(lab, size)
        everybody = [server.name for server in fleet.servers]
        print("| command | servers | jobs | s | s a server | ratio to one | peak MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")

        def row(command: str, jobs: int, cost: Cost, one: Cost) -> None:
            ratio = cost.each_s / one.each_s
            cells = [command, cost.servers, jobs, f"{cost.seconds:.1f}", f"{cost.each_s:.2f}"]
            cells += [f"{ratio:.2f}", f"{cost.megabytes:.0f}"]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)

        alone = enrolled(fleet, 0, 1, 8)
        row("enroll", 8, alone, alone)
        row("enroll", 8, enrolled(fleet, 1, 1 + SOME, 8), alone)
        row("enroll", 8, enrolled(fleet, 1 + SOME, size, 8), alone)
        for command in ("sync", "rotate"):
            alone = measured(fleet, 1, command, everybody[0], "--json")
            row(command, 8, alone, alone)
            for jobs in JOBS:
                some = measured(fleet, SOME, command, *everybody[:SOME], "--jobs", str(jobs))
                row(command, jobs, some, alone)
            row(command, 8, measured(fleet, size, command, "--all"), alone)
    print(f"\n{machine.describe()}")


if __name__ == "__main__":
    main()
