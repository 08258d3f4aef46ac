"""Measure how long ``ssh host true`` takes through a hidden port.

    .venv/bin/python -m bench.login [--rounds N]      as root; writes nothing

Side by side, in turns, so that a noisy moment hits all alike: a direct ssh to a server without
sshknock, ssh through sshknock, and the usual way with a stock knockd, ``knock ... && ssh``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from tests.lab import Client, Installation, Lab, Server, eventually

STOCK_KNOCKD = """\
[options]
	interface = eth0
[open]
	sequence = 7000,8000,9000
	seq_timeout = 5
	tcpflags = syn
	start_command = /usr/sbin/nft 'add element inet stock open { %IP% timeout 10s }'
"""
STOCK_TABLE = """\
table inet stock {
  set open { type ipv4_addr; flags timeout; }
  chain input {
    type filter hook input priority 0;
    ct state established accept
    tcp dport 22 ip saddr != @open iif != lo drop
  }
}
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with Installation() as installation, Lab(installation) as lab:
        laptop = lab.client("laptop")
        ways = {
            "direct": direct(lab, laptop),
            "sshknock, knockd engine": hidden(lab, laptop),
            "knock && ssh": stock(lab, laptop),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - started)
    base = statistics.median(seconds["direct"])
    print("| way | median s | fastest | slowest | ratio |\n| --- | --- | --- | --- | --- |")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"| {name} | {median:.3f} | {min(values):.3f} | {max(values):.3f}"
            f" | {median / base:.2f} |"
        )


def direct(lab: Lab, laptop: Client) -> Callable[[], object]:
    """Set up a server whose port is open."""
    server = lab.server("open")
    laptop.trust(server, "open")
    return lambda: laptop.ssh(server.ipv4, "true")


def hidden(lab: Lab, laptop: Client) -> Callable[[], object]:
    """Set up a server with sshknock."""
    server = lab.server("hidden")
    server.init()
    laptop.enroll(server, "hidden")
    return lambda: laptop.ssh("hidden", "true")


def stock(lab: Lab, laptop: Client) -> Callable[[], object]:
    """Set up a server whose stock knockd opens the port for 10 s to a fixed sequence."""
    server: Server = lab.server("stock")
    laptop.trust(server, "stock")
    server.put("/etc/stock.conf", STOCK_KNOCKD)
    server.run(["nft", "-f", "-"], input=STOCK_TABLE)
    server.popen(["/usr/sbin/knockd", "-4", "-c", "/etc/stock.conf"])
    knock = ["/usr/bin/knock", server.ipv4, "7000", "8000", "9000"]

    def opened() -> bool:
        laptop.run(knock)
        return laptop.connects(server.ipv4) == "open"

    def close() -> None:
        server.run(["nft", "flush", "set", "inet", "stock", "open"])

    eventually(opened, "the stock knockd opens")

    def login() -> None:
        laptop.run(knock)
        laptop.ssh(server.ipv4, "true")
        close()

    close()
    return login


if __name__ == "__main__":
    main()
