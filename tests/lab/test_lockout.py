"""Nobody is locked out: trials that give the port back, and what ends them well."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import Lab, Process, Server, eventually, never
from tests.lab.administration import books, is_visible, kill_all_of_ours, logged, reboot, say
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_victims import hooks

pytestmark = pytest.mark.lab

SHORT = 6
"""Seconds of a trial that is to end: enough for init and a look on a busy machine."""


def hidden_elements(server: Server) -> list[object]:
    """Return the hidden ports as nft lists them: a plain number is hidden for good."""
    return server.elements("hidden")


def move_deadline(server: Server, seconds: int) -> None:
    """Have the books name another deadline: as if the clock had jumped the other way."""
    books(
        server,
        "UPDATE meta SET value = json_set(value, '$.until', json_extract(value, '$.until') + ?)"
        " WHERE key = 'hiding'",
        seconds,
    )


def new_server(lab: Lab, *options: str) -> Pair:
    """Make a server on which no client has a key, and a stranger."""
    server, laptop = lab.server(), lab.client()
    server.init(*options)
    return Pair(lab, server, laptop)


def test_the_kernel_gives_the_port_back_when_all_of_us_is_dead(lab: Lab) -> None:
    """Killed right after init: the port comes back, and nothing hides it again by itself."""
    pair = new_server(lab, "--trial", f"{SHORT}s")
    kill_all_of_ours(pair.server)
    assert not is_visible(pair)
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=SHORT + 3)
    pair.server.sshknock("reconcile")
    assert is_visible(pair)
    assert pair.server.status()["exposed"] is True
    told = say(pair.server, "status")
    assert "Port 22 is visible: the trial ended at " in told
    assert " without a knocked login." in told
    assert "'sshknock-server hide', on trial with --trial 10m" in told
    assert logged(pair.server, "trial over")
    reboot(pair.server)
    assert is_visible(pair)


@pytest.mark.long
def test_the_timer_notices_the_end_of_a_trial(lab: Lab) -> None:
    """With the supervisor running the log has it soon, and the port stays visible."""
    pair = new_server(lab, "--trial", f"{SHORT}s")
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=SHORT + 3)

    seen = "SELECT count(*) FROM event WHERE kind = 'trial-over'"
    eventually(lambda: "1" in books(pair.server, seen), "the timer has seen it", timeout_s=20)
    assert is_visible(pair)


def test_init_on_trial_asks_nothing_and_tells_the_deadline(lab: Lab) -> None:
    """Without a terminal, without --yes, without any client: the trial is the answer."""
    server = lab.server()
    began = int(time.time())
    told = say(server, "init", "--service", "own", "--trial", "5m")
    until = server.run(["date", "-d", f"@{began + 300}", "+%Y-%m-%d %H:%M"]).stdout.strip()
    later = server.run(["date", "-d", f"@{began + 360}", "+%Y-%m-%d %H:%M"]).stdout.strip()
    assert f"on trial until {until}" in told or f"on trial until {later}" in told
    assert "Only a knocked login or 'sshknock-server confirm' keeps it hidden" in told
    assert "with --hook none no login is noticed" in server.init("--hook", "none").stdout


@pytest.mark.long
def test_a_reboot_neither_ends_a_trial_nor_makes_it_longer(lab: Lab) -> None:
    """Flushed and restarted the port is hidden for what was left, and then given back."""
    trial_s = 15
    began = time.monotonic()
    pair = new_server(lab, "--trial", f"{trial_s}s")
    reboot(pair.server)
    assert not is_visible(pair)
    ((element,),) = (hidden_elements(pair.server),)
    assert isinstance(element, dict)
    assert element["elem"]["timeout"] <= trial_s
    kill_all_of_ours(pair.server)
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=trial_s + 2)
    assert time.monotonic() - began < trial_s + 4


def test_a_reboot_after_the_deadline_hides_nothing(lab: Lab) -> None:
    """The books know the deadline: what was over while the machine was off is over."""
    pair = new_server(lab, "--trial", f"{SHORT}s")
    kill_all_of_ours(pair.server)
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=SHORT + 3)
    reboot(pair.server)
    assert is_visible(pair)
    assert "the trial ended at" in say(pair.server, "status")


def test_a_clock_that_jumps_back_makes_no_trial_longer(lab: Lab) -> None:
    """The deadline seems an hour away after a reboot: no more than was left counts."""
    pair = new_server(lab, "--trial", "60s")
    kill_all_of_ours(pair.server)
    move_deadline(pair.server, 3600)
    reboot(pair.server)
    (element,) = hidden_elements(pair.server)
    assert isinstance(element, dict)
    assert element["elem"]["timeout"] <= 60


def test_a_clock_that_jumps_forward_takes_nothing_from_the_kernel(lab: Lab) -> None:
    """The deadline seems to be over, but the kernel hides the port yet: its word counts."""
    pair = new_server(lab, "--trial", "60s")
    move_deadline(pair.server, -3600)
    pair.server.sshknock("reconcile")
    assert not is_visible(pair)
    # And when the kernel forgets it, the clock is all there is: the administrator is let in.
    reboot(pair.server)
    assert is_visible(pair)


def test_a_knocked_login_confirms(lab: Lab) -> None:
    """The port is hidden for good in the kernel, and stays so when the time is over."""
    trial_s = 10
    pair = make_pair(lab, "--trial", f"{trial_s}s")
    deadline = time.monotonic() + trial_s
    pair.laptop.ssh("myserver", "true")
    eventually(lambda: hidden_elements(pair.server) == [22], "hidden without a timeout")
    assert logged(pair.server, "confirmed")
    assert "on trial" not in say(pair.server, "status")
    left = max(0.0, deadline + 1 - time.monotonic())
    never(lambda: is_visible(pair), "the port is given back", for_s=left)
    pair.laptop.ssh("myserver", "true")
    reboot(pair.server)
    assert hidden_elements(pair.server) == [22]


def test_confirm_by_hand(lab: Lab) -> None:
    """`confirm` does what a login does, and says so when there is nothing to confirm.

    As long as no client has a key it asks, for nobody could knock.
    """
    pair = new_server(lab, "--trial", "60s")
    done = pair.server.sshknock("confirm", check=False)
    assert (done.code, "confirm asks before it hides port 22" in done.stderr) == (2, True)
    assert hidden_elements(pair.server) != [22]
    assert "stays hidden" in say(pair.server, "confirm", "--yes")
    assert hidden_elements(pair.server) == [22]
    assert "There is no trial" in say(pair.server, "confirm")
    pair.server.sshknock("unhide")
    done = pair.server.sshknock("confirm", check=False)
    assert done.code == 1
    assert "nothing to confirm" in done.stderr


def knock_and_log_in_plainly(pair: Pair) -> None:
    """Send the next train, see that it was used, and log in without the proxy."""
    before = pair.server.pairing("laptop")["next"]
    pair.laptop.replay(pair.server, pair.laptop.train(before))
    eventually(lambda: pair.server.pairing("laptop")["next"] == before + 1, "the knock was heard")
    pair.laptop.run(["ssh", "-o", "BatchMode=yes", f"root@{pair.server.ipv4}", "true"])


@pytest.mark.parametrize("reason", ["always", "guest", "lo", "other port"])
def test_a_login_that_did_not_need_its_knock_confirms_nothing(reason: str, lab: Lab) -> None:
    """The knock was right; but who comes in anyway has not shown that the door opens."""
    network = ["--always", "10.77.0.0/24"] if reason == "always" else []
    pair = make_pair(lab, "--trial", "60s", *network)
    server = pair.server
    if reason == "guest":
        server.sshknock("admit", pair.laptop.ipv4)
    if reason == "other port":
        server.append("/etc/ssh/sshd_config", "Port 22\nPort 2222\n")
        server.stop_sshd()
        server.start_sshd()
    if reason == "lo":
        knock = pair.laptop.train(0)
        pair.laptop.replay(server, knock)
        eventually(lambda: server.pairing("laptop")["next"] == 1, "the knock was heard")
        log_in_from_itself(pair)
    elif reason == "other port":
        pair.laptop.replay(server, pair.laptop.train(0))
        eventually(lambda: server.pairing("laptop")["next"] == 1, "the knock was heard")
        plain = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-p", "2222"]
        pair.laptop.run([*plain, f"root@{server.ipv4}", "true"])
    else:
        knock_and_log_in_plainly(pair)
        # The admission of the knock was not used up by who did not need it.
        assert len(server.elements("open4")) == 1
    eventually(lambda: not hooks(server), "the hooks have ended")
    server.sshknock("reconcile")
    assert not logged(server, "confirmed")
    assert "on trial until" in say(server, "status")


SLOW = """\
import os, select, socket, sys
link = socket.create_connection((sys.argv[1], 22))
while not os.path.exists(sys.argv[2]):
    select.select([], [], [], 0.05)
while True:
    for ready in select.select([0, link], [], [])[0]:
        octets = link.recv(65536) if ready is link else os.read(0, 65536)
        if not octets:
            sys.exit()
        os.write(1, octets) if ready is link else link.sendall(octets)
"""
"""A ProxyCommand that connects plainly, and goes on when a file is there."""
GO = "/run/go"


@contextmanager
def slow_login(pair: Pair) -> Iterator[Process]:
    """Have a login begin: it is connected plainly, and says nothing before `GO` is there."""
    server, laptop = pair.server, pair.laptop
    laptop.put("/run/home/root/slow.py", SLOW)
    slow = f"/usr/bin/python3 -IS slow.py {server.ipv4} {GO}"
    plain = ["ssh", "-o", "BatchMode=yes", "-o", f"ProxyCommand={slow}"]
    with laptop.popen([*plain, f"root@{server.ipv4}", "true"]) as login:
        eventually(lambda: is_connected(server), "sshd has the connection")
        yield login


def test_a_guest_whose_time_is_over_before_the_login_is_told_confirms_nothing(lab: Lab) -> None:
    """They knocked and came in as a guest; when sshd lets them in they are a guest no more."""
    pair = make_pair(lab, "--trial", "60s")
    server, laptop = pair.server, pair.laptop
    server.sshknock("admit", laptop.ipv4)
    laptop.replay(server, laptop.train(0))
    eventually(lambda: server.pairing("laptop")["next"] == 1, "the knock was heard")
    with slow_login(pair) as login:
        server.sshknock("revoke", laptop.ipv4)
        laptop.put(GO, "")
        assert login.wait() == 0
    eventually(lambda: not hooks(server), "the hooks have ended")
    server.sshknock("reconcile")
    assert not logged(server, "confirmed")
    laptop.ssh("myserver", "true")
    eventually(lambda: logged(server, "confirmed"), "a login through the door does")


def is_connected(server: Server) -> bool:
    """Whether a connection to sshd stands."""
    return bool(server.run(["ss", "-Htn", "state", "established", "sport = :22"]).stdout)


def log_in_from_itself(pair: Pair) -> None:
    """Log in over the loopback, which is never hidden."""
    server = pair.server
    server.run(["sh", "-c", "mkdir -p -m 700 .ssh && umask 077 && cat > .ssh/id_ed25519"],
               input=pair.laptop.read("/run/home/root/.ssh/id_ed25519"))  # fmt: skip
    options = ["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no"]
    server.run(["ssh", *options, "root@127.0.0.1", "true"])


def test_a_connection_from_before_the_trial_confirms_nothing(lab: Lab) -> None:
    """Opened while the port was visible, logged in during the trial, from a knocking address."""
    pair = make_pair(lab)
    server, laptop = pair.server, pair.laptop
    server.sshknock("unhide")
    with slow_login(pair) as early:
        laptop.replay(server, laptop.train(0))
        eventually(lambda: server.pairing("laptop")["next"] == 1, "the knock was heard")
        server.sshknock("hide", "--trial", "60s")
        laptop.put(GO, "")
        assert early.wait() == 0
    eventually(lambda: not hooks(server), "the hooks have ended")
    assert not logged(server, "confirmed")
    server.sshknock("revoke", laptop.ipv4)  # what that knock admitted was not used
    laptop.ssh("myserver", "true")
    eventually(lambda: logged(server, "confirmed"), "a login through the door does")


def test_init_again_on_trial(lab: Lab) -> None:
    """A change of settings can be on trial, too; without --trial a trial goes on as it was."""
    pair = make_pair(lab)
    told = say(pair.server, "init", "--admit", "timed", "--trial", "60s")
    assert "on trial until" in told
    assert "admit single -> timed" in told
    told = say(pair.server, "init", "--admit", "single")
    assert "on trial until" in told
    (element,) = hidden_elements(pair.server)
    assert isinstance(element, dict)
    pair.laptop.ssh("myserver", "true")
    eventually(lambda: hidden_elements(pair.server) == [22], "confirmed")


def test_init_asks_about_a_port_that_only_the_kernel_knows_to_be_visible(lab: Lab) -> None:
    """The trial is over though the clock says that it goes on, and nobody has looked since."""
    pair = make_pair(lab, "--trial", f"{SHORT}s")
    kill_all_of_ours(pair.server)
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=SHORT + 3)
    move_deadline(pair.server, 3600)
    done = pair.server.sshknock("init", check=False)
    assert done.code == 2, done
    assert "init asks before it hides port 22" in done.stderr
    assert is_visible(pair)
    assert logged(pair.server, "trial over")
    assert "on trial" not in pair.server.init().stdout
    assert hidden_elements(pair.server) == [22]


def test_the_deadline_of_a_trial_is_told_as_the_kernel_keeps_it(lab: Lab) -> None:
    """A clock that jumped back by hours does not put it off."""
    server = new_server(lab, "--trial", "60s").server
    move_deadline(server, 7200)
    in_an_hour = server.run(["date", "-d", "1 hour", "+%Y-%m-%d %H:%M"]).stdout
    for told in (say(server, "status"), say(server, "init", "--yes")):
        (until,) = re.findall(r"on trial until ([\d-]+ [\d:]+)", told)
        assert until < in_an_hour, told


def test_unhide_and_hide(lab: Lab) -> None:
    """Visible until `hide`, reboots included; knocks are heard, sessions and counters go on."""
    pair = make_pair(lab)
    server, laptop = pair.server, pair.laptop
    laptop.ssh("myserver", "true")
    pair.in_step()
    with laptop.popen(
        ["ssh", "-o", "BatchMode=yes", "myserver", "echo in; cat"], stdin=subprocess.PIPE
    ) as session:
        assert session.line() == "in\n"
        assert "visible now" in say(server, "unhide")
        assert is_visible(pair)
        assert server.status()["exposed"] is True
        assert "Port 22 is visible since " in say(server, "status")
        assert "unhidden by hand" in say(server, "status")
        laptop.ssh("myserver", "true")
        reboot(server)
        assert is_visible(pair)
        before = server.pairing("laptop")["next"]
        laptop.replay(server, laptop.train(before))
        eventually(lambda: server.pairing("laptop")["next"] == before + 1, "the knock was heard")
        assert "is hidden on eth0." in say(server, "hide")
        assert server.status()["exposed"] is False
        assert "was visible" not in say(server, "status")
        assert session.popen.stdin is not None
        session.popen.stdin.close()
        assert session.wait() == 0
    eventually(lambda: not is_visible(pair), "hidden, and the knock's admission is used up")
    laptop.ssh("myserver", "true")
    assert "hidden already" in say(server, "hide")


def test_hide_on_trial_after_a_trial(lab: Lab) -> None:
    """The second trial is as good as the first."""
    pair = new_server(lab, "--trial", "1s")
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=5)
    assert "on trial until" in say(pair.server, "hide", "--trial", "4s")
    assert not is_visible(pair)
    eventually(lambda: is_visible(pair), "the port is given back", timeout_s=8)
    assert "the trial ended at" in say(pair.server, "status")
    done = pair.server.sshknock("hide", check=False)
    assert (done.code, "hide asks before it hides port 22" in done.stderr) == (2, True)
    assert is_visible(pair)
    say(pair.server, "hide", "--yes")
    assert hidden_elements(pair.server) == [22]
    assert not is_visible(pair)


def test_uninstall_during_a_trial(lab: Lab) -> None:
    """It ends with all the rest."""
    pair = new_server(lab, "--trial", "60s")
    pair.server.sshknock("uninstall", "--yes")
    assert is_visible(pair)
