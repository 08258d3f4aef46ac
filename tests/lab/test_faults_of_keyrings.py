"""A real gnome-keyring that dies, hangs or is locked in the midst of a login."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.lab import Completed, eventually, faults
from tests.lab.conftest import OpenLab
from tests.lab.desk import LOCK, Desk, sit_down
from tests.lab.faults_victims import kill

pytestmark = pytest.mark.lab

SAVING_CALLS = ("fsync", "rename")
"""What the daemon saves its file with."""
SET_SECRET = re.compile(r"\.\.\., [4-9]\d\d, 0, NULL, 0\)")
"""The one long message to the bus: it holds the new state."""
LATE_US = 3_000_000


@pytest.fixture(scope="module")
def desk(open_module_lab: OpenLab) -> Iterator[Desk]:
    """A laptop that is enrolled with the system's keyring."""
    with sit_down(open_module_lab(), "--timeout", "3s") as desk:
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
