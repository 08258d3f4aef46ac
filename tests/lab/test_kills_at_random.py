"""SIGKILL to anybody at any moment of a login: the next plain ssh works, the counters agree."""

from __future__ import annotations

import random
import subprocess
import time
from collections import Counter

import pytest

from tests.lab import Completed, eventually
from tests.lab.conftest import OpenLab, Pair, make_pair
from tests.lab.faults_victims import VICTIMS, hooks, kill, supervisors

pytestmark = pytest.mark.lab

SEED = 20250711


@pytest.fixture(params=["single", "timed"])
def admit(request: pytest.FixtureRequest) -> str:
    """Either way to admit."""
    return str(request.param)


@pytest.fixture
def pair(admit: str, open_module_lab: OpenLab) -> Pair:
    """The timeout is short, for what a killed helper left open."""
    return make_pair(open_module_lab(), "--admit", admit, "--timeout", "3s")


def disturbed_login(pair: Pair, victim: str, moment_s: float) -> int:
    """Kill a victim so long after a login began; return how many processes that were."""
    tool = None
    if victim == "server tool":
        tool = pair.server.popen(["sshknock-server", "reconcile"])
    login = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "myserver", "true"]
    with pair.laptop.popen(login, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as ssh:
        time.sleep(moment_s)  # the moment is the fault: nothing is waited for
        killed = kill(VICTIMS[victim](pair))
        ssh.wait()
    if tool is not None:
        tool.end()
    return killed


def one_round(pair: Pair, victim: str, moment_s: float) -> int:
    """Disturb a login; then a plain one works, and both sides are in step.

    Where the address is still admitted after the disturbed login, the plain one can get in with
    nobody there to hear its train: a false confirm, which the next login heals. With ``single``
    that takes a second door of the disturbed login, whose first one was slow to open.
    """
    killed = disturbed_login(pair, victim, moment_s)
    done: Completed = pair.laptop.ssh("myserver", "echo in", check=False)
    what = f"after {victim} was killed at {moment_s:.3f} s: {done}"
    assert (done.code, done.stdout) == (0, "in\n"), what
    here, there = pair.laptop.pairing(), pair.server.pairing("laptop")
    if there["next"] <= here["confirmed"]:
        pair.shut()
        pair.laptop.ssh("myserver", "true")
        here, there = pair.laptop.pairing(), pair.server.pairing("laptop")
    assert there["next"] == here["confirmed"] + 1, (what, here, there)
    return killed


@pytest.mark.parametrize(
    "rounds", [pytest.param(8, id="some"), pytest.param(100, id="many", marks=pytest.mark.long)]
)
def test_whoever_dies_the_next_plain_ssh_works(pair: Pair, rounds: int) -> None:
    """200 rounds over both ways to admit: one run of ssh, and `confirmed` + 1 is `next`."""
    dice = random.Random(SEED)
    print(f"seed {SEED}")
    began = time.monotonic()
    pair.laptop.ssh("myserver", "true")
    login_s = time.monotonic() - began
    victims = Counter[str]()
    for number in range(rounds):
        # Whoever was killed is back: two faults at once are another test's.
        eventually(lambda: supervisors(pair.server), "a supervisor runs", timeout_s=20)
        victim = sorted(VICTIMS)[number % len(VICTIMS)]
        victims[victim] += one_round(pair, victim, dice.uniform(0, login_s))
    eventually(lambda: not hooks(pair.server), "the hooks have ended", timeout_s=20)
    pair.in_step()
    print(f"killed: {dict(victims)}")
    assert victims.total() >= rounds // 2
