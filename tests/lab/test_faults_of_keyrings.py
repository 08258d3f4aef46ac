"""A real gnome-keyring that dies, hangs or is locked in the midst of a login."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.lab import Client, Completed, eventually, faults
from tests.lab.conftest import OpenLab, Pair
from tests.lab.faults_victims import kill
from tests.lab.test_keyring import LOCK, SESSION

pytestmark = pytest.mark.lab

DAEMON = "gnome-keyring-d"
START = "printf %s testpw | gnome-keyring-daemon --unlock --replace --components=secrets"
SAVING_CALLS = ("fsync", "rename")
"""What the daemon saves its file with."""
SET_SECRET = re.compile(r"\.\.\., [4-9]\d\d, 0, NULL, 0\)")
"""The one long message to the bus: it holds the new state."""
LATE_US = 3_000_000


@dataclass(frozen=True, slots=True)
class Desk:
    """A user's session with a keyring, whose daemon can be killed and started again."""

    pair: Pair
    bus: Mapping[str, str]

    @property
    def laptop(self) -> Client:
        """The user's machine."""
        return self.pair.laptop

    def daemon(self) -> int:
        """Return the keyring's process."""
        (pid,) = self.laptop.processes(DAEMON)
        return pid

    def start_daemon(self) -> None:
        """Start the keyring, unlocked, in place of one that may be there."""
        self.laptop.run(["sh", "-c", f"{START} >/dev/null 2>&1"], env=self.bus)
        eventually(lambda: self.run(*("sshknock", "status")).code == 0, "the keyring answers")

    def run(self, *argv: str, check: bool = False) -> Completed:
        """Run a program of the user's session."""
        return self.laptop.run(argv, env=self.bus, check=check, timeout_s=60)

    def ssh(self, *options: str) -> Completed:
        """Log in."""
        return self.run("ssh", "-o", "BatchMode=yes", *options, "myserver", "echo in")

    def in_again(self) -> None:
        """One plain ssh works, and then both sides are at the same counter."""
        done = self.ssh()
        assert (done.code, done.stdout) == (0, "in\n"), done
        self.in_step()

    def in_step(self) -> None:
        """Hold that both sides are at the same counter."""
        shown = self.run("sshknock", "status", "--json", check=True).stdout
        confirmed = json.loads(shown)["pairings"][0]["confirmed"]
        assert self.pair.server.pairing("laptop")["next"] == confirmed + 1


@pytest.fixture(scope="module")
def desk(open_module_lab: OpenLab) -> Iterator[Desk]:
    """A laptop that is enrolled with the system's keyring."""
    lab = open_module_lab()
    server, laptop = lab.server(), lab.client()
    server.init("--timeout", "3s")
    laptop.put("/run/home/root/token", server.pair("laptop"), 0o600)
    laptop.trust(server, "myserver")
    script = "echo $DBUS_SESSION_BUS_ADDRESS; cat"
    session = ["bash", "-ec", SESSION, "session", script]
    with laptop.popen(session, stdin=subprocess.PIPE) as running:
        bus = {
            "DBUS_SESSION_BUS_ADDRESS": running.line().strip(),
            "XDG_RUNTIME_DIR": "/run/user/0",
        }
        desk = Desk(Pair(lab, server, laptop), bus)
        desk.run("sshknock", "enroll", "myserver", "--token-file", "token", check=True)
        desk.run("sshknock", "ssh-config", "myserver", "--write", check=True)
        yield desk


def assert_one_line(done: Completed) -> None:
    """Hold that a login failed with a message of one line, and perhaps a hint."""
    said = [line for line in done.stderr.splitlines() if line.startswith("sshknock: ")]
    assert done.code == 255, done
    assert 1 <= len(said) <= 2, done
    assert "keyring" in said[0], done
    assert "Traceback" not in done.stderr, done


def test_a_daemon_that_dies_while_it_saves(desk: Desk) -> None:
    """Read, and dead before it is written: nothing was sent; the daemon is back, so is the user."""
    log = desk.pair.lab.logs / "keyring.strace"
    for step in [faults.Step(call, nth) for call in SAVING_CALLS for nth in (1, 2)]:
        with faults.attached([desk.daemon()], step.killed(), log):
            done = desk.ssh()
        if not faults.struck(log.read_text()):
            continue
        if done.code:
            assert_one_line(done)
        desk.start_daemon()
        desk.in_again()


def test_nothing_is_sent_that_could_not_be_saved(desk: Desk) -> None:
    """The first save of a login fails: not one packet leaves for the server's ports."""
    log = desk.pair.lab.logs / "keyring.strace"
    first_save = faults.Step(SAVING_CALLS[0], 1)
    with (
        desk.pair.server.capture() as capture,
        faults.attached([desk.daemon()], first_save.killed(), log),
    ):
        done = desk.ssh()
    assert faults.struck(log.read_text())
    assert_one_line(done)
    assert "ended while it was asked" in done.stderr
    knocks = [packet for packet in capture.knocks(desk.laptop.ipv4) if packet.port != 22]
    assert knocks == []
    desk.start_daemon()
    desk.in_again()


def test_a_daemon_that_hangs(desk: Desk) -> None:
    """It is said within the time that a keyring has, and ssh does not hang with it."""
    daemon = desk.daemon()
    os.kill(daemon, signal.SIGSTOP)
    try:
        done = desk.ssh()
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert_one_line(done)
    assert "did not answer" in done.stderr
    desk.in_again()


def test_a_keyring_that_is_locked_between_read_and_write(desk: Desk) -> None:
    """The user locks it in the very moment: nothing is sent, and it is said."""
    watch = faults.under(["--trace=sendto"], "sshknock-proxy", "%h", "%p")
    assert desk.ssh("-o", f"ProxyCommand={' '.join(watch)}").code == 0
    sent = faults.settled(desk.laptop).splitlines()
    save = next(n for n, line in enumerate(sent, start=1) if SET_SECRET.search(line))
    late = f"--inject=sendto:delay_enter={LATE_US}:when={save}"
    slow = faults.under(["--trace=sendto", late], "sshknock-proxy", "%h", "%p")
    desk.laptop.path(faults.LOG).unlink()
    with desk.pair.server.capture() as capture:
        login = ["ssh", "-o", "BatchMode=yes", "-o", f"ProxyCommand={' '.join(slow)}", "myserver"]
        with desk.laptop.popen([*login, "true"], env=desk.bus) as ssh:
            log = desk.laptop.path(faults.LOG)
            eventually(lambda: log.exists() and log.read_text().count("\n") == save - 1, "read")
            desk.run("sh", "-c", LOCK, check=True)
            done = ssh.end()
    assert_one_line(done)
    assert "locked" in done.stderr
    assert [packet for packet in capture.knocks(desk.laptop.ipv4) if packet.port != 22] == []
    desk.start_daemon()
    desk.in_again()


def test_a_daemon_that_is_gone(desk: Desk) -> None:
    """Killed between two logins, and nobody starts it: one line; then it is there again."""
    kill([desk.daemon()])
    done = desk.ssh()
    if done.code:
        assert_one_line(done)
    desk.start_daemon()
    desk.in_again()
