"""Measure how long ``ssh host true`` takes through a hidden port.

    bench/run.sh login [--rounds N]      as root

Side by side, in turns, so that a noisy moment hits all alike: a direct ssh to a server without
sshknock, ssh through sshknock, and the usual way with a stock knockd, ``knock ... && ssh``.
"""

from __future__ import annotations

import argparse
import statistics
import time

from bench import ways
from tests.lab import Installation, Lab

PATIENCE_S = 60


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with Installation() as installation, Lab(installation) as lab:
        ssh = ways.Ssh(lab.client("laptop"), PATIENCE_S)
        compared = [ways.direct(lab, ssh), ways.hidden(lab, ssh), ways.stock(lab, ssh)]
        seconds: dict[str, list[float]] = {way.name: [] for way in compared}
        for _ in range(rounds):
            for way in compared:
                started = time.perf_counter()
                done = way.log_in()
                seconds[way.name].append(time.perf_counter() - started)
                if done.code:
                    raise SystemExit(f"{way.name}: {done}")
                way.shut()
    base = statistics.median(seconds[compared[0].name])
    print("| way | median s | fastest | slowest | ratio |\n| --- | --- | --- | --- | --- |")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"| {name} | {median:.3f} | {min(values):.3f} | {max(values):.3f}"
            f" | {median / base:.2f} |"
        )


if __name__ == "__main__":
    main()
