"""Measure one command over many servers: wall time, and the most memory that it takes here.

    bench/run.sh fleet [--servers N]      as root

Real hosts: each server has its own network, sshd, knockd and firewall table, on this one machine,
which does the work of both sides. So the seconds say little; the ratios say what many cost. The
servers' supervisors stand still: on 200 machines they are hardly noticed, on one they are.
"""

from __future__ import annotations

import argparse

from bench import machine
from tests.lab import Installation, Lab
from tests.lab.fleet import INVENTORY, Cost, Fleet, measured

SOME = 20
JOBS = (8, 32, 1)
LONG_S = 3600


def enrolled(fleet: Fleet, first: int, last: int, jobs: int) -> Cost:
    """Enrol the servers from ``first`` on, before ``last``."""
    fleet.put_inventory(*(server.name for server in fleet.servers[first:last]))
    words = ("enroll", "--inventory", INVENTORY, "--keyring", "file", "--jobs", str(jobs))
    return measured(fleet, *words, timeout_s=LONG_S)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--servers", type=int, default=200)
    size = parser.parse_args().servers
    with Installation() as installation, Lab(installation) as lab:
        fleet = Fleet(lab, size, quiet=True)
        everybody = [server.name for server in fleet.servers]
        print("| command | servers | jobs | s | s a server | ratio to one | peak MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")

        def row(command: str, servers: int, jobs: int, cost: Cost, alone: Cost) -> None:
            each_s = cost.seconds / servers
            cells = [command, servers, jobs, f"{cost.seconds:.1f}", f"{each_s:.2f}"]
            cells += [f"{each_s / alone.seconds:.2f}", f"{cost.megabytes:.0f}"]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)

        alone = enrolled(fleet, 0, 1, 8)
        row("enroll", 1, 8, alone, alone)
        row("enroll", SOME, 8, enrolled(fleet, 1, 1 + SOME, 8), alone)
        row("enroll", size - SOME - 1, 8, enrolled(fleet, 1 + SOME, size, 8), alone)
        for command in ("sync", "rotate"):
            alone = measured(fleet, command, everybody[0], "--json")
            row(command, 1, 8, alone, alone)
            every = measured(fleet, command, "--all", timeout_s=LONG_S)
            row(command, size, 8, every, alone)
            for jobs in JOBS:
                words = (command, *everybody[:SOME], "--jobs", str(jobs))
                row(command, SOME, jobs, measured(fleet, *words, timeout_s=LONG_S), alone)
    print(f"\n{machine.describe()}")


if __name__ == "__main__":
    main()
