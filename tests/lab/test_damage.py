"""The server after damage and in bad company: it comes back, or goes in good order."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab import Lab, eventually, never
from tests.lab.conftest import make_pair

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("damage", ["flush ruleset", "flush table inet sshknock", "sleep"])
def test_a_table_that_was_emptied_is_made_again(damage: str, lab: Lab) -> None:
    """The port is hidden again, the log says so, and nothing that was used works twice."""
    pair = make_pair(lab)
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    if damage == "sleep":
        damage = "add table inet sshknock { flags dormant; }"
    pair.server.run(["nft", damage])
    eventually(
        lambda: pair.laptop.connects(pair.server.ipv4) == "refused", "hidden again", timeout_s=20
    )
    assert "exposed" in pair.server.sshknock("log").stdout
    pair.server.sshknock("reconcile")
    assert pair.server.status()["exposed"] is False
    pair.laptop.replay(pair.server, pair.laptop.train(0), gap_s=0.001)
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_marks_with_names_and_strange_bytes_do_not_stop_the_server(lab: Lab) -> None:
    """The administrator's other files may say what they like."""
    server, laptop = lab.server(), lab.client()
    marks = "".join(f"{number} vpn{number}\n" for number in range(1, 60))
    server.run(["sh", "-c", "mkdir -p /etc/iproute2; cat >> /etc/iproute2/rt_marks"], input=marks)
    own = b"# caf\xe9\x0c\n[own]\nsequence = 1111,2222\ncommand = /bin/true\n"
    server.path("/etc/knockd.conf").write_bytes(own)
    server.init()
    laptop.enroll(server)
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    server.sshknock("reconcile")
    assert server.sshknock("render", "--check").code == 0
    server.sshknock("uninstall", "--yes")
    assert server.path("/etc/knockd.conf").read_bytes() == own


def test_uninstall_can_be_repeated_and_needs_no_readable_settings(lab: Lab) -> None:
    """Whatever state the server is in, the port is visible and nothing runs afterwards."""
    pair = make_pair(lab)
    pair.server.put("/etc/sshknock/server.toml", "colour = 1\n")
    for _ in range(2):
        pair.server.sshknock("uninstall", "--yes")
        assert pair.laptop.connects(pair.server.ipv4) == "open"
        assert pair.server.processes("knockd") == {}
        eventually(
            lambda: "hook.py" not in str(pair.server.processes().values()), "the last hook ended"
        )


def test_who_waits_while_uninstall_runs_hides_nothing_again(lab: Lab) -> None:
    """A status that waits for the lock finds no settings when it gets it."""
    pair = make_pair(lab)
    hold = "flock /var/lib/sshknock/lock sh -c 'echo held; read line'"
    with pair.server.popen(["sh", "-c", hold], stdin=subprocess.PIPE) as holder:
        assert holder.line() == "held\n"
        taking_down = pair.server.popen(["sshknock-server", "uninstall", "--yes"])
        waiting = [pair.server.popen(["sshknock-server", "status"]) for _ in range(3)]
        eventually(lambda: pair.laptop.connects(pair.server.ipv4) == "open", "the port is shown")
    for process in (taking_down, *waiting):
        process.end()
    never(lambda: pair.laptop.connects(pair.server.ipv4) != "open", "hidden again", for_s=1.0)


def test_init_that_fails_leaves_the_settings_that_were(lab: Lab) -> None:
    """A server that works goes on working."""
    pair = make_pair(lab)
    before = pair.server.read("/etc/sshknock/server.toml")
    failed = pair.server.sshknock("init", "--yes", "--service", "systemd", check=False)
    assert failed.code == 2
    failed = pair.server.sshknock("init", "--yes", "--interface", "nope0", check=False)
    assert failed.code == 2
    assert pair.server.read("/etc/sshknock/server.toml") == before
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"


def test_a_supervisor_that_was_killed_is_back_with_the_next_login(lab: Lab) -> None:
    """Where no service manager watches it, the hooks do."""
    pair = make_pair(lab)
    watcher = "ps -eo pid,args | awk '/hook.py watch/ && !/awk/ { print $1 }'"
    before = pair.server.run(["sh", "-c", watcher]).stdout.split()
    assert len(before) == 1
    pair.server.run(["kill", "-9", *before])
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"

    def is_back() -> bool:
        now = pair.server.run(["sh", "-c", watcher]).stdout.split()
        return len(now) == 1 and now != before

    eventually(is_back, "a new supervisor")


def test_an_upgrade_that_moved_the_hook_is_told_and_init_mends_it(lab: Lab) -> None:
    """A rebuilt environment leaves a PAM line behind that runs nothing."""
    pair = make_pair(lab)
    pam = pair.server.read("/etc/pam.d/sshd")
    pair.server.put("/etc/pam.d/sshd", pam.replace("python3.11", "python3.99"))
    assert "init" in pair.server.sshknock("status").stdout
    pair.server.init()
    assert pair.server.read("/etc/pam.d/sshd") == pam
    assert "/etc/pam.d/sshd" not in pair.server.sshknock("status").stdout


def test_a_timed_door_closes_by_its_close_sequence_after_a_first_login_ended(lab: Lab) -> None:
    """The address stays admitted after that login, so its close sequence still has work to do."""
    pair = make_pair(lab, "--admit", "timed")
    pair.laptop.sshknock("open", "myserver")
    pair.server.sshknock("reconcile")
    plain = ("-o", "ProxyCommand=none", "myserver", "echo in")
    assert pair.laptop.ssh(*plain).stdout == "in\n"
    eventually(lambda: pair.server.pairing("laptop")["sessions"] == 0, "the login is over")
    pair.laptop.sshknock("close", "myserver")
    eventually(lambda: pair.laptop.connects(pair.server.ipv4) == "refused", "closed")
