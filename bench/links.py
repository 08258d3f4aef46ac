"""Measure logins through a hidden port over bad links, beside other ways to hide it.

    bench/run.sh links [--rounds N]      as root

A clean line and three bad ones, from the lab's emulator. Over each a direct ssh, sshknock,
``knock ... && ssh`` and ``fwknop ... && ssh``, in turns, so that a noisy moment hits all alike. A
login that has not come through after 15 s has failed; times are those of the logins that did.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass, field

from bench import machine, ways
from tests.lab import CLEAN, DISTANT, LOSSY, REORDERING, Installation, Lab

PATIENCE_S = 15
LINES = {
    "clean": CLEAN,
    "8 % loss": LOSSY,
    "30 % reordering, 12 ms jitter": REORDERING,
    "160 ms round trip": DISTANT,
}


@dataclass
class Score:
    """What became of one way's logins over one line."""

    failed: int = 0
    seconds: list[float] = field(default_factory=list)

    def run(self, way: ways.Way) -> None:
        """Log in once more."""
        started = time.perf_counter()
        done = way.log_in()
        took_s = time.perf_counter() - started
        if done.code:
            self.failed += 1
        else:
            self.seconds.append(took_s)
        way.shut()

    def row(self) -> str:
        """Show it as cells of a table."""
        succeeded = len(self.seconds)
        share = f"{succeeded} of {succeeded + self.failed}"
        if not succeeded:
            return f"{share} | - | -"
        return f"{share} | {statistics.median(self.seconds):.2f} | {max(self.seconds):.2f}"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with Installation() as installation, Lab(installation) as lab:
        client = lab.client("laptop")
        ssh = ways.Ssh(client, PATIENCE_S)
        compared = [make(lab, ssh) for make in (ways.direct, ways.hidden, ways.stock, ways.spa)]
        link = lab.link(client)
        print("| line | way | came through | median s | worst s |\n| --- | --- | --- | --- | --- |")
        for name, line in LINES.items():
            scores = {way.name: Score() for way in compared}
            link.become(line)
            for _ in range(rounds):
                for way in compared:
                    scores[way.name].run(way)
            link.become(CLEAN)
            for way_name, score in scores.items():
                print(f"| {name} | {way_name} | {score.row()} |", flush=True)
    print(f"\n{machine.describe()}\nThe emulator's dice began with {link.seed}.")


if __name__ == "__main__":
    main()
