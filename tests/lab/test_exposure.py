"""Exposed is noticed: tables that are flushed, reloaded or damaged, and since when."""

from __future__ import annotations

import re

import pytest

from tests.lab import Lab, Server, eventually
from tests.lab.administration import books, is_visible, kill_all_of_ours, logged, say
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_victims import hooks

pytestmark = pytest.mark.lab

DAY = r"20\d\d-\d\d-\d\d"
CLOCK = r"\d\d:\d\d:\d\d"
WAS_VISIBLE = (
    rf"Port 22 was visible at some time between {DAY} {CLOCK} and ({DAY} )?{CLOCK} "
    r"\((?P<cause>.*); noticed by (?P<by>.*)\)\. It is hidden again\."
)
GONE = "our table was gone: nftables was flushed or reloaded, or somebody deleted it"
NFTABLES_CONF = """\
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
  chain input { type filter hook input priority 0; policy accept; tcp dport 9999 drop; }
}
"""
UFW_RULES = """\
*filter
:INPUT ACCEPT [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-user-input
-A ufw-user-input -p tcp --dport 9999 -j DROP
COMMIT
"""


def exposure(server: Server) -> tuple[str, str] | None:
    """Return the cause of the last exposure and who noticed it, as `status` tells."""
    found = re.search(WAS_VISIBLE, say(server, "status"))
    return None if found is None else (found["cause"], found["by"])


def assert_nothing_came_back(pair: Pair, counter: int) -> None:
    """Hold that the port is hidden, no counter was lost, and no used train opens anything."""
    eventually(lambda: not is_visible(pair), "hidden again", timeout_s=20)
    assert pair.server.pairing("laptop")["next"] == counter + 1
    pair.server.sshknock("reconcile")
    attacker = pair.lab.host("attacker")
    for used in range(counter + 1):
        attacker.replay(pair.server, pair.laptop.train(used))
    assert attacker.connects(pair.server.ipv4) == "refused"
    assert pair.server.pairing("laptop")["next"] == counter + 1
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()


def test_a_reload_of_nftables(lab: Lab) -> None:
    """Its file begins with a flush: hidden again at once, and `status` says what happened when."""
    pair = make_pair(lab)
    server = pair.server
    server.put("/etc/nftables.conf", NFTABLES_CONF, 0o755)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    eventually(lambda: not hooks(server), "the hooks have ended")
    assert exposure(server) is None
    server.run(["nft", "-f", "/etc/nftables.conf"])
    assert_nothing_came_back(pair, counter=0)
    # The regular check may come first: it is due in that very moment once in a while.
    assert exposure(server) in ((GONE, "the supervisor"), (GONE, "the regular check"))
    assert logged(server, "exposed")
    assert server.status()["exposed"] is False
    server.run(["nft", "list", "table", "inet", "filter"])


def test_a_reload_of_ufw_changes_nothing(lab: Lab) -> None:
    """It rewrites its own tables only, and ours stands."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    for options in ([], ["-n"]):
        pair.server.run(["/usr/sbin/iptables-nft-restore", *options], input=UFW_RULES)
    assert_nothing_came_back(pair, counter=0)
    assert exposure(pair.server) is None
    assert not logged(pair.server, "exposed")


@pytest.mark.long
def test_the_timer_finds_a_port_that_was_taken_out(lab: Lab) -> None:
    """No event tells of a set: the check within 15 s does."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    eventually(lambda: not hooks(pair.server), "the hooks have ended")
    pair.server.run(["nft", "delete", "element", "inet", "sshknock", "hidden", "{ 22 }"])
    assert is_visible(pair)
    assert_nothing_came_back(pair, counter=0)
    assert exposure(pair.server) == ("the port was taken out of the table", "the regular check")


def test_status_tells_what_it_finds_and_mends(lab: Lab) -> None:
    """Nobody else was there to notice: exposed is true once, and false when it was mended."""
    pair = make_pair(lab)
    kill_all_of_ours(pair.server)
    pair.server.run(["nft", "flush", "chain", "inet", "sshknock", "input"])
    assert pair.server.status()["exposed"] is True
    assert pair.server.status()["exposed"] is False
    assert exposure(pair.server) == (
        "the table was changed by somebody else",
        "'sshknock-server status'",
    )


def test_a_table_of_the_version_before_is_no_exposure(lab: Lab) -> None:
    """It has fewer rules and no word of its format: it is made anew, and nothing is said of it."""
    pair = make_pair(lab)
    server = pair.server
    kill_all_of_ours(server)
    books(server, "DELETE FROM meta WHERE key IN ('table format', 'hiding')")
    rules = len([item for item in server.ruleset(own=True) if "rule" in item])
    server.run(["nft", "-f", "-"], input=_without_the_newest_rules(server))
    assert len([item for item in server.ruleset(own=True) if "rule" in item]) == rules - 4
    server.sshknock("reconcile")
    assert len([item for item in server.ruleset(own=True) if "rule" in item]) == rules
    assert exposure(server) is None
    assert not logged(server, "exposed")
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"


def _without_the_newest_rules(server: Server) -> str:
    newest = ("@always4", "@always6", "@guests4", "@guests6")
    handles = [
        item["rule"]["handle"]
        for item in server.ruleset(own=True)
        if "rule" in item and any(name in str(item["rule"]["expr"]) for name in newest)
    ]
    return "".join(f"delete rule inet sshknock door handle {handle}\n" for handle in handles)


def test_what_is_planned_is_no_exposure(lab: Lab) -> None:
    """`init`, `unhide` and `hide` show the port by somebody's will."""
    pair = make_pair(lab)
    server = pair.server
    server.init("--admit", "timed")
    say(server, "unhide")
    server.run(["nft", "flush", "ruleset"])
    server.sshknock("reconcile")
    assert is_visible(pair)
    say(server, "hide")
    say(server, "reconcile")
    assert not is_visible(pair)
    assert exposure(server) is None
    assert not logged(server, "exposed")
