"""Daemons that are killed or down: brought back at once, noticed, and no login is lost for good."""

from __future__ import annotations

import random
import time

import pytest

from tests.lab import Lab, Server, eventually
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_victims import hooks, kill, paused, supervisors
from tests.lab.systemd import boot, units

pytestmark = pytest.mark.lab

SEED = 20250711
ROUNDS = pytest.mark.parametrize(
    "rounds", [pytest.param(3, id="some"), pytest.param(20, id="many", marks=pytest.mark.long)]
)


def knockds(server: Server) -> set[int]:
    """Return the knockd processes."""
    return set(server.processes("knockd"))


def killed_and_back(server: Server) -> None:
    """Kill every knockd, and wait for a new one that listens."""
    killed = knockds(server)
    assert kill(list(killed))
    eventually(lambda: knockds(server) - killed, "a new knockd", timeout_s=15)


@ROUNDS
def test_a_dead_knockd_is_back_at_once_and_noticed(pair: Pair, rounds: int) -> None:
    """At any moment, between logins and in the midst of one: back, in the log, and of use."""
    dice = random.Random(SEED)
    print(f"seed {SEED}")
    for _ in range(rounds):
        eventually(lambda: knockds(pair.server), "knockd runs")
        login = ["ssh", "-o", "BatchMode=yes", "myserver", "echo in"]
        with pair.laptop.popen(login) as ssh:
            time.sleep(dice.uniform(0, 0.5))  # the moment is the fault: nothing is waited for
            killed_and_back(pair.server)
            ended = ssh.end(timeout_s=30)
        assert ended.stdout == "in\n", ended
    pair.in_step()
    assert deaths_told(pair.server) >= rounds // 2


def deaths_told(server: Server) -> int:
    """Count the lines of the log that tell of a knockd that had ended."""
    log = server.sshknock("log", "-n", "all", "--event", "restarted").stdout
    return log.count("knockd had ended")


def test_a_knockd_that_is_dead_is_said_by_status(pair: Pair) -> None:
    """Where nobody brings it back, because the supervisor cannot run, status says so."""
    with paused(supervisors(pair.server)):
        eventually(lambda: not hooks(pair.server), "the hooks of earlier logins have ended")
        kill(list(knockds(pair.server)))
        eventually(lambda: not knockds(pair.server), "knockd is dead")
        assert "knockd does not run" in pair.server.sshknock("status").stdout
    eventually(lambda: knockds(pair.server), "knockd is back", timeout_s=20)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_after_knockd_and_its_supervisor_a_reconcile_brings_back_both(pair: Pair) -> None:
    """Without a service manager nobody is left to notice; one command, or a boot, does it."""
    eventually(lambda: not hooks(pair.server), "no hook of an earlier login is left", timeout_s=20)
    kill([*supervisors(pair.server), *knockds(pair.server)])
    said = pair.server.sshknock("status").stdout
    assert "no supervisor runs" in said
    assert "knockd does not run" in said
    pair.server.sshknock("reconcile")
    assert supervisors(pair.server)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


@pytest.mark.long
def test_under_systemd_both_come_back_by_themselves(lab: Lab) -> None:
    """Supervisor and knockd killed together, again and again: every login works."""
    server, laptop = lab.server(), lab.client()
    boot(server)
    server.sshknock("init", "--yes")
    laptop.enroll(server)
    for _ in range(8):
        kill([*supervisors(server), *knockds(server)])
        assert laptop.ssh("myserver", "echo in").stdout == "in\n"
        eventually(lambda: knockds(server) and supervisors(server), "both run", timeout_s=20)
    eventually(lambda: no_failed_unit(server), "no failed unit", timeout_s=40)


def no_failed_unit(server: Server) -> bool:
    """Hold that what was killed is forgotten, once it was replaced."""
    failed = [unit for unit, state in units(server).items() if state == "failed"]
    assert failed == []
    return True


def test_an_sshd_that_is_down_while_the_knocks_arrive(lab: Lab) -> None:
    """Several runs use up a counter each at the server and see nothing; then sshd is back."""
    pair = make_pair(lab, "--timeout", "3s")
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    pair.server.stop_sshd()
    for _ in range(2):
        done = pair.laptop.ssh("-o", "ConnectTimeout=4", "myserver", "true", check=False)
        assert done.code == 255, done
    assert pair.server.pairing("laptop")["next"] > 1, "the doors did open"
    pair.server.start_sshd()
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()
