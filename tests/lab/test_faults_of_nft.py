"""An nft that lingers, or is broken: no mark of a used door is lost by it."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.lab import Lab, eventually, never
from tests.lab.administration import books, logged
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_nft import GO, REAL, WAITING, nft_that, nobody_else
from tests.lab.faults_victims import hooks

pytestmark = pytest.mark.lab

UNLOADABLE = "libnftables.so.1: cannot open shared object file: No such file or directory"


def use_door(pair: Pair, counter: int) -> None:
    """Send a train and wait for the kernel's mark that its ticket was taken."""
    pair.laptop.replay(pair.server, pair.laptop.train(counter))
    eventually(lambda: pair.server.elements("used4"), "the door was used")
    assert pair.laptop.connects(pair.server.ipv4) == "open"


def use_door_unseen(pair: Pair, counter: int) -> None:
    """Use a door, and let the knock's hook fail: the books have not heard of it."""
    server = pair.server
    server.run(["mv", "/etc/sshknock", "/etc/hidden"])
    use_door(pair, counter)
    eventually(lambda: not hooks(server), "the hook has ended")
    server.run(["mv", "/etc/hidden", "/etc/sshknock"])


def assert_used_up(pair: Pair, counter: int) -> None:
    """The mark was taken in, and whoever heard the train gets nothing by it."""
    eventually(lambda: pair.server.pairing("laptop")["next"] == counter + 1, "it was taken in")
    attacker = pair.lab.hosts.get("attacker") or pair.lab.host("attacker")
    attacker.replay(pair.server, pair.laptop.train(counter))
    never(lambda: pair.server.elements("open4"), "a replay opens", for_s=1.5)
    assert attacker.connects(pair.server.ipv4) == "refused"


def test_an_nft_that_outlives_its_reconcile_keeps_the_lock(lab: Lab) -> None:
    """Nobody plans on a table that it may yet change; doors used meanwhile are taken in."""
    pair = make_pair(lab)
    server = pair.server
    counter = server.pairing("laptop")["next"]
    server.pair("other")
    with nobody_else(server):
        books(server, "UPDATE pairing SET disabled = 1 WHERE name = 'other'")
        with nft_that(server, WAITING):
            first = server.popen(["sshknock-server", "reconcile"])
            eventually(lambda: server.path("/run/nft.1").exists(), "its nft has begun")
            first.signal(signal.SIGKILL)
            second = server.popen(["sshknock-server", "reconcile"])
            never(lambda: server.path("/run/nft.2").exists(), "another nft begins", for_s=1.5)
            use_door(pair, counter)
            server.put(GO, "")
            done = second.end()
            assert done.code == 0, done
    assert_used_up(pair, counter)
    assert not logged(server, "exposed")


def test_marks_in_a_table_that_is_not_ours_are_taken_in(lab: Lab) -> None:
    """Whatever became of its generation: the doors that were used are used up."""
    pair = make_pair(lab)
    server = pair.server
    counter = server.pairing("laptop")["next"]
    with nobody_else(server):
        use_door_unseen(pair, counter)
        server.run(["nft", "flush set inet sshknock generation"])
        server.run(["nft", "add element inet sshknock generation { 7 }"])
        server.sshknock("reconcile")
    assert_used_up(pair, counter)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(f'echo "nft: {UNLOADABLE}" >&2; exit 127', id="cannot be loaded"),
        pytest.param('case "$*" in *-j*) exit 0;; esac', id="says nothing"),
        pytest.param('case "$*" in *-j*) echo "{";; esac', id="writes what is no JSON"),
        pytest.param("exit 1", id="fails"),
    ],
)
def test_a_broken_nft_is_no_lost_table(pair: Pair, fault: str) -> None:
    """Reconcile fails in a line and changes nothing; mended, it finds the marks of used doors."""
    server = pair.server
    counter = server.pairing("laptop")["next"]
    with nobody_else(server):
        use_door_unseen(pair, counter)
        with nft_that(server, fault):
            done = server.sshknock("reconcile", check=False)
        assert done.code == 1, done
        assert done.stderr.startswith("sshknock: "), done
        server.sshknock("reconcile")
    assert_used_up(pair, counter)
    assert not logged(server, "exposed")


def test_a_table_that_a_process_owns_is_no_lost_table(pair: Pair) -> None:
    """Another program's, beside ours: nft's JSON of it is broken, ours is gone and made again."""
    server = pair.server
    words = "table inet theirs { flags owner; }"
    with server.popen(["nft", "-i"], stdin=subprocess.PIPE) as owner:
        assert owner.popen.stdin is not None
        owner.popen.stdin.write(f"{words}\n")
        owner.popen.stdin.flush()
        tables = ["nft", "list", "tables"]
        eventually(lambda: "theirs" in server.run(tables).stdout, "the other table is there")
        server.run(["nft", "delete table inet sshknock"])
        server.sshknock("reconcile")
        assert "inet sshknock" in server.run(tables).stdout
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_an_nft_that_cannot_list_a_sleeping_table(lab: Lab) -> None:
    """Its JSON ends in the middle: the port is hidden again, and the mark of a door is not lost."""
    pair = make_pair(lab)
    server = pair.server
    counter = server.pairing("laptop")["next"]
    sleeps = f"{REAL} -t list table inet sshknock | grep -q 'flags dormant'"
    cut_off = f'if {sleeps}; then {REAL} "$@" | head -c 150; exit 0; fi'
    with nobody_else(server), nft_that(server, f'case "$*" in *"-j list table"*) {cut_off};; esac'):
        use_door_unseen(pair, counter)
        server.run(["nft", "add table inet sshknock { flags dormant; }"])
        stranger = lab.host("stranger")
        assert stranger.connects(server.ipv4) == "open"
        server.sshknock("reconcile")
        assert stranger.connects(server.ipv4) == "refused"
    assert logged(server, "exposed")
    assert_used_up(pair, counter)
    well = pair.laptop.ssh("myserver", "echo in")
    assert well.stdout == "in\n"
