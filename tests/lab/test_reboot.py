"""Reboots, power loss and restored backups: the pair meets again, and old trains stay dead."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.lab import Lab, eventually
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_reboot import backup, power_off, power_on
from tests.lab.faults_victims import supervisors
from tests.lab.systemd import boot, reboot, units

pytestmark = pytest.mark.lab


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A pair that has met twice."""
    pair = make_pair(lab)
    for _ in range(2):
        pair.laptop.ssh("myserver", "true")
    pair.in_step()
    return pair


def logs_in(pair: Pair) -> None:
    """One plain ssh works, and both sides are in step after it."""
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()


def assert_opens_nothing(pair: Pair, counters: range) -> None:
    """Hold that trains that were sent before open nothing to somebody who recorded them."""
    attacker = pair.lab.hosts.get("attacker") or pair.lab.host("attacker")
    for counter in counters:
        attacker.replay(pair.server, pair.laptop.train(counter))
        assert attacker.connects(pair.server.ipv4) == "refused", counter


def move_on(pair: Pair, logins: int) -> None:
    """Let both sides be as they are so many logins later."""
    counter = pair.server.pairing("laptop")["next"] + logins
    pair.server.sshknock("sync", "laptop", "--at-least", str(counter))
    (state,) = pair.laptop.path("/run/home/root").rglob("keyring/sshknock/*.json")
    state.write_text(moved(state.read_text(), logins))
    logs_in(pair)


def moved(text: str, logins: int) -> str:
    """Return a client's state with its counters so many logins later."""
    state = json.loads(text)
    for key in ("confirmed", "sent"):
        state[key] += logins
    return json.dumps(state, separators=(",", ":"))


def search(pair: Pair) -> None:
    """Find the server's counter by knocking, and wait until it has doors for the next login."""
    pair.laptop.sshknock("sync", "myserver", "--search", timeout_s=200)
    pair.in_step()
    pair.server.sshknock("reconcile")


def test_a_reboot_of_the_server_restores_everything(pair: Pair) -> None:
    """Table, knockd and supervisor are back, sessions are over, tickets new, old trains dead."""
    session = ["ssh", "-o", "BatchMode=yes", "myserver", "echo in; cat"]
    with pair.laptop.popen(session, stdin=subprocess.PIPE) as running:
        assert running.line() == "in\n"
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "the session is entered")
        tickets = set(map(str, pair.server.elements("tickets")))
        power_off(pair.server)
    power_on(pair.server)
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
    status = pair.server.status()
    assert status["exposed"] is False
    assert status["pairings"][0]["sessions"] == 0
    assert tickets.isdisjoint(map(str, pair.server.elements("tickets")))
    assert "exposed" in pair.server.sshknock("log").stdout
    assert supervisors(pair.server), "a reconcile by hand starts all that init started"
    assert_opens_nothing(pair, range(3))
    logs_in(pair)


def test_the_port_is_hidden_before_sshd_answers(pair: Pair) -> None:
    """The boot hook alone hides it: no network, no interface, no knockd is needed for that."""
    power_off(pair.server)
    pair.server.run(["ip", "link", "set", "eth0", "down"])
    pair.server.run(["sshknock-hook", "boot"])
    pair.server.run(["ip", "link", "set", "eth0", "up"])
    pair.server.start_sshd()
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
    pair.server.sshknock("reconcile")
    logs_in(pair)


def test_a_power_loss_at_the_moment_of_a_login_costs_one_counter(pair: Pair) -> None:
    """The books do not know of the last login: its counter is good once more, none below it."""
    restore = backup(pair.server)
    pair.laptop.ssh("myserver", "true")
    power_off(pair.server)
    restore()
    power_on(pair.server)
    assert_opens_nothing(pair, range(2))
    attacker = pair.lab.hosts["attacker"]
    attacker.replay(pair.server, pair.laptop.train(2))
    eventually(lambda: attacker.connects(pair.server.ipv4) == "open", "good once more")
    attacker.replay(pair.server, pair.laptop.train(2))
    logs_in(pair)
    assert_opens_nothing(pair, range(4))


def test_a_client_restored_from_5_logins_ago_recovers_by_itself(pair: Pair) -> None:
    """It knocks upward until it meets the server; one run of ssh is enough."""
    restore = backup(pair.laptop)
    for _ in range(5):
        pair.laptop.ssh("myserver", "true")
    restore()
    logs_in(pair)


@pytest.mark.long
def test_a_client_restored_from_200_logins_ago_is_found_by_a_search(pair: Pair) -> None:
    """The failed run names the command that finds the server's counter again, and it does."""
    restore = backup(pair.laptop)
    move_on(pair, 200)
    restore()
    done = pair.laptop.ssh("myserver", "true", check=False)
    assert "sshknock sync myserver --search" in done.stderr, done
    search(pair)
    logs_in(pair)


def test_a_server_restored_from_3_logins_ago_heals_by_itself(pair: Pair) -> None:
    """The next login closes the doors that came to life again."""
    restore = backup(pair.server)
    for _ in range(3):
        pair.laptop.ssh("myserver", "true")
    power_off(pair.server)
    restore()
    power_on(pair.server)
    logs_in(pair)
    assert_opens_nothing(pair, range(6))


@pytest.mark.long
def test_a_server_restored_from_300_logins_ago_is_found_by_a_search(pair: Pair) -> None:
    """The client looks below its own counter too."""
    restore = backup(pair.server)
    move_on(pair, 300)
    power_off(pair.server)
    restore()
    power_on(pair.server)
    search(pair)
    logs_in(pair)


def test_books_that_are_restored_under_a_running_server_are_noticed(pair: Pair) -> None:
    """The table is not theirs: it is made anew with fresh tickets, and logins go on."""
    restore = backup(pair.server)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    restore()
    pair.server.sshknock("reconcile")
    assert "exposed" in pair.server.sshknock("log").stdout
    logs_in(pair)
    assert_opens_nothing(pair, range(4))


def test_a_reboot_under_systemd(lab: Lab) -> None:
    """Units hide the port before sshd starts, and bring back knockd and supervisor."""
    server, laptop = lab.server(), lab.client()
    boot(server)
    server.sshknock("init", "--yes")
    laptop.enroll(server)
    pair = Pair(lab, server, laptop)
    logs_in(pair)
    reboot(server)
    assert laptop.connects(server.ipv4) == "refused"
    eventually(lambda: units(server)["sshknock.service"] == "running", "the supervisor runs")
    assert server.status()["exposed"] is False
    assert_opens_nothing(pair, range(1))
    logs_in(pair)
