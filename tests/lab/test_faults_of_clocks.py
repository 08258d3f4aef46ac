"""A clock that jumps by days, on either side, while sessions run."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass

import pytest

from tests.lab import Lab, eventually
from tests.lab.conftest import OpenLab, Pair
from tests.lab.faults_clock import Clock

pytestmark = pytest.mark.lab

DAY_S = 86400
ROUNDING_S = 4
"""What our commands and a busy machine add."""
JUMPS = pytest.mark.parametrize(
    "jump_s",
    [
        pytest.param(3 * DAY_S, id="three days on"),
        pytest.param(-400 * DAY_S, id="a year back", marks=pytest.mark.long),
    ],
)


@dataclass(frozen=True, slots=True)
class Clocks:
    """A pair of which each side has a clock of its own."""

    pair: Pair
    of: dict[str, Clock]


@pytest.fixture(scope="module", params=["single", pytest.param("timed", marks=pytest.mark.long)])
def clocks(request: pytest.FixtureRequest, open_module_lab: OpenLab) -> Clocks:
    """A pair of either way to admit."""
    lab = open_module_lab()
    server, laptop = lab.server(), lab.client()
    of = {"server": Clock(server), "client": Clock(laptop)}
    server.init("--admit", request.param)
    laptop.enroll(server)
    return Clocks(Pair(lab, server, laptop), of)


def logs_in(pair: Pair) -> None:
    """One plain ssh works.

    It may warn: by a client's clock that went on, the server's admission should have ended.
    """
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"


@JUMPS
@pytest.mark.parametrize("side", ["server", "client"])
def test_logins_and_sessions_do_not_notice(clocks: Clocks, side: str, jump_s: int) -> None:
    """A session goes on, the next login works, the door is shut after both, no counter is lost."""
    pair = clocks.pair
    session = ["ssh", "-o", "BatchMode=yes", "myserver", "cat"]
    with pair.laptop.popen(session, stdin=subprocess.PIPE) as running:
        assert running.popen.stdin is not None
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "the session is entered")
        host = {"server": pair.server, "client": pair.laptop}[side]
        before = int(host.run(["date", "+%s"]).stdout)
        clocks.of[side].jump(jump_s)
        assert abs(int(host.run(["date", "+%s"]).stdout) - before - jump_s) < 60
        pair.server.sshknock("reconcile")
        running.popen.stdin.write("still here\n")
        running.popen.stdin.flush()
        assert running.line() == "still here\n"
        logs_in(pair)
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "that login is over")
        running.popen.stdin.close()
        assert running.wait() == 0
    pair.shut()
    pair.in_step()
    logs_in(pair)
    pair.in_step()


@JUMPS
def test_a_jump_in_the_midst_of_a_login(clocks: Clocks, jump_s: int) -> None:
    """Between the knocks and the login: it is the same login."""
    pair = clocks.pair
    for side in clocks.of:
        with pair.laptop.popen(["ssh", "-o", "BatchMode=yes", "myserver", "echo in"]) as ssh:
            clocks.of[side].jump(jump_s)
            assert ssh.end().stdout == "in\n"
        pair.in_step()
    pair.shut()


@pytest.mark.parametrize("jump_s", [pytest.param(DAY_S, marks=pytest.mark.long), -DAY_S])
def test_a_trial_never_lasts_longer_than_was_asked(lab: Lab, jump_s: int) -> None:
    """The kernel's timer decides, whatever the clock says meanwhile."""
    server, stranger = lab.server(), lab.host("stranger")
    clock = Clock(server)
    began = time.monotonic()
    server.init("--trial", "6s")
    assert stranger.connects(server.ipv4) == "refused"
    clock.jump(jump_s)
    server.sshknock("reconcile")
    eventually(lambda: stranger.connects(server.ipv4) == "open", "the port is given back")
    assert time.monotonic() - began < 6 + ROUNDING_S
    server.sshknock("reconcile")
    assert stranger.connects(server.ipv4) == "open"


@pytest.mark.long
def test_a_trial_that_a_clock_and_a_flush_meet_together(lab: Lab) -> None:
    """A table that is made anew cannot ask a clock that went back for more than the first time."""
    server, stranger = lab.server(), lab.host("stranger")
    clock = Clock(server)
    server.init("--trial", "6s")
    clock.jump(-DAY_S)
    server.run(["nft", "flush", "ruleset"])
    flushed = time.monotonic()
    server.sshknock("reconcile")
    eventually(lambda: stranger.connects(server.ipv4) == "open", "the port is given back")
    assert time.monotonic() - flushed < 6 + ROUNDING_S
