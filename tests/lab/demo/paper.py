"""Section III of the paper, with its own programs: nmap, knock, nmap, ssh, knock, nmap.

Played twice over: on a server of ours, and as in the paper on a stock knockd. Figures 8 and 9 of
the paper show what is seen at the client.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass

from tests.lab import Host, Lab, Server, eventually, never
from tests.lab.demo.paper_servers import USER, OurServer, PaperServer, StockServer, make_laptop
from tests.lab.demo.stage import Stage

WEB, BOTH = {"80": "http"}, {"22": "ssh", "80": "http"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How the server is scanned, and how many seconds nothing is knocked after a scan."""

    nmap: str = "nmap"
    quiet_s: int = 1


TRIPPED = Pace(quiet_s=3)
"""Nmap's thousand ports touch tripwires of ours: for three seconds its address opens nothing."""


def play(stage: Stage, lab: Lab) -> None:
    """All the steps."""
    laptop, stranger = make_laptop(lab), lab.host("stranger")

    stage.step("A server of ours: both sides derive each sequence from a secret and a counter")
    ours = OurServer(stage, lab, laptop)
    opening = figures(stage, ours, laptop, TRIPPED)
    again(stage, ours, laptop, stranger, opening, TRIPPED)
    refusals(stage, ours.host, stranger)

    stage.step("As in the paper: a stock knockd, and files of sequences that were made beforehand")
    stock = StockServer(stage, lab, laptop)
    opening = figures(stage, stock, laptop, Pace())
    again(stage, stock, laptop, stranger, opening, Pace())
    marked = stage.run(stock.host, "head -n 3 /etc/knockd/open").stdout.splitlines()
    used = [line.startswith("#") for line in marked]
    stage.claim(used == [True, True, False], "knockd has marked the two lines that were used")


def figures(stage: Stage, there: PaperServer, laptop: Host, pace: Pace) -> str:
    """What is seen at the client, from figure 8 to figure 9; return the sequence that opened."""
    stage.step("Figure 8: a secret sequence opens the SSH port")
    scan(stage, there, laptop, pace.nmap, WEB)
    refused(stage, there, laptop, pace.quiet_s)
    opening = there.sequence("open", 0)
    change(stage, there, laptop, opening, opens=True)
    scan(stage, there, laptop, pace.nmap, BOTH)

    stage.step("Figure 9: another one closes it, after a session of some seconds")
    ssh = f"ssh root@{there.host.ipv4} 'id -un; sleep {pace.quiet_s}'"
    done = stage.run(laptop, ssh, user=USER)
    stage.claim(done.stdout == "root\n", "logged in")
    there.is_ready_to_close()
    change(stage, there, laptop, there.sequence("close", 0), opens=False)
    scan(stage, there, laptop, pace.nmap, WEB)
    return opening


def again(
    stage: Stage, there: PaperServer, laptop: Host, stranger: Host, opening: str, pace: Pace
) -> None:
    """The open sequence that was captured, and the next one."""
    stage.step("Played again, the sequence opens nothing; the next one is another")
    knock(stage, there, stranger, opening)
    never(lambda: is_open(stranger, there), "the port is open", for_s=1)
    knock(stage, there, laptop, opening)
    refused(stage, there, laptop, pace.quiet_s)
    opened = [host.name for host in (stranger, laptop) if is_open(host, there)]
    stage.claim(not opened, "it opens nothing, neither to a stranger nor to the laptop")
    second = there.sequence("open", 1)
    stage.claim(second != opening, "it is another")
    change(stage, there, laptop, second, opens=True)
    stage.claim(is_open(laptop, there), "the next sequence opens the port")


def refusals(stage: Stage, server: Server, stranger: Host) -> None:
    """Our choice between silence and a reset, which the paper leaves to the firewall."""
    stage.step('The paper\'s port is "filtered": `--refuse auto` does as the host does')
    nmap = f"nmap -n -p 21-23 {server.ipv4}"
    stage.run(server, "sshknock-server init --refuse auto")
    seen = states(stage.run(stranger, nmap).stdout)
    stage.claim(set(seen.values()) == {"filtered"}, "silent, on a host that is silent")
    stage.run(server, "nft delete table inet filter")
    stage.run(server, "sshknock-server init")
    seen = states(stage.run(stranger, nmap).stdout)
    stage.claim(set(seen.values()) == {"closed"}, "a reset, on a host that answers with resets")


def scan(
    stage: Stage, there: PaperServer, laptop: Host, nmap: str, expected: dict[str, str]
) -> None:
    """Look at the server as a stranger does; the open ports are these."""
    done = stage.run(laptop, f"{nmap} {there.host.ipv4}", user=USER)
    found = re.findall(r"^(\d+)/tcp +open +(\S+)$", done.stdout, re.MULTILINE)
    listed = " and ".join(expected)
    stage.claim(dict(found) == expected, f"open: {listed}")
    others = set(states(done.stdout).values()) - {"open"}
    stage.claim(others <= {"filtered"} and "closed" not in done.stdout, "all others are filtered")


def states(nmap: str) -> dict[str, str]:
    """Return what nmap calls each port that it lists."""
    return dict(re.findall(r"^(\d+)/tcp +(\S+)", nmap, re.MULTILINE))


def knock(stage: Stage, there: PaperServer, host: Host, sequence: str) -> None:
    """Send a sequence with the program that knockd comes with."""
    user = USER if USER in host.users else ""
    stage.run(host, f"knock {there.host.ipv4} {sequence}", user=user)


def change(stage: Stage, there: PaperServer, laptop: Host, sequence: str, *, opens: bool) -> None:
    """Send a sequence until it did its work, which is the first time or the second.

    One of the ports that nmap has tried can be the first of a sequence: knockd then waits for the
    second, and our first knock only ends that.
    """
    for _ in range(3):
        knock(stage, there, laptop, sequence)
        with suppress(AssertionError):
            eventually(lambda: is_open(laptop, there) is opens, "the door has moved", timeout_s=5)
            return
        stage.say("(knockd was busy with what the scan had begun: once more)")
    raise AssertionError("the sequence did nothing")


def refused(stage: Stage, there: PaperServer, laptop: Host, timeout_s: int) -> None:
    """Try to log in, and hear nothing."""
    ssh = f"ssh -o ConnectTimeout={timeout_s} root@{there.host.ipv4} id -un"
    done = stage.run(laptop, ssh, user=USER, check=False)
    stage.claim(done.code == 255 and "timed out" in done.stderr, "ssh gets no answer")


def is_open(host: Host, there: PaperServer) -> bool:
    """Whether a connection to the SSH port comes about."""
    return host.connects(there.host.ipv4, timeout_s=0.5) == "open"
