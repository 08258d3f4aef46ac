"""Disks that are full or read-only, on either side: nothing is lost, and nothing burnt for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.lab import Completed, Host, Lab, eventually
from tests.lab.conftest import Pair, make_pair
from tests.lab.faults_victims import hooks

pytestmark = pytest.mark.lab

CLIENT_STATE = "/run/home/root/.local/state/sshknock"
Fault = Callable[[Host, str], AbstractContextManager[None]]
PLACES = {"books": "/var/lib/sshknock", "run": "/run/sshknock", "etc": "/etc"}


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A pair that has met; its admissions are short."""
    pair = make_pair(lab, "--timeout", "3s")
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    # The last of them looks for the supervisor, by a pid file that the tests are about to copy.
    eventually(lambda: not hooks(pair.server), "the hooks have ended")
    return pair


def move_to_tmpfs(host: Host, folder: str) -> None:
    """Let a folder, with all that is in it, be a small disk of its own."""
    host.run(
        [
            *("sh", "-ec"),
            "mkdir -p /run/moved;"
            ' mount -t tmpfs -o size=4m,mode="$(stat -c %a "$1")" disk /run/moved;'
            ' cp -a "$1/." /run/moved/; mount --bind /run/moved "$1"; umount /run/moved',
            *("sh", folder),
        ]
    )


@contextmanager
def full(host: Host, folder: str) -> Iterator[None]:
    """Leave no space where a folder is, while the context lasts."""
    ballast = f"{folder}/ballast"
    host.run(["sh", "-c", f"cat /dev/zero > {ballast} 2>/dev/null; test -s {ballast}"])
    try:
        yield
    finally:
        host.path(ballast).unlink()


@contextmanager
def read_only(host: Host, folder: str) -> Iterator[None]:
    """Let nothing be written where a folder is, while the context lasts."""
    # The kernel refuses while a hook of the last login still has its lock open.
    remount = ["mount", "-o", "remount,ro", folder]
    eventually(lambda: host.run(remount, check=False).code == 0, "nobody writes there")
    try:
        yield
    finally:
        host.run(["mount", "-o", "remount,rw", folder])


FAULTS = pytest.mark.parametrize("fault", [full, read_only])


def assert_one_line(done: Completed) -> None:
    """Hold that a message is one line and perhaps a hint, and no traceback."""
    said = [line for line in done.stderr.splitlines() if line.startswith("sshknock: ")]
    assert 1 <= len(said) <= 2, done
    assert "Traceback" not in done.stderr, done


@FAULTS
def test_where_the_client_keeps_its_counters(pair: Pair, fault: Fault) -> None:
    """Nothing is sent that could not be saved; one line says why; then a plain ssh works."""
    move_to_tmpfs(pair.laptop, CLIENT_STATE)
    before = pair.laptop.pairing()
    with fault(pair.laptop, CLIENT_STATE), pair.server.capture() as capture:
        done = pair.laptop.ssh("myserver", "true", check=False)
    assert done.code == 255, done
    assert_one_line(done)
    assert capture.knocks(pair.laptop.ipv4) == []
    assert pair.laptop.pairing() == before
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()


@pytest.mark.parametrize("place", sorted(PLACES))
@FAULTS
def test_of_the_server(pair: Pair, fault: Fault, place: str) -> None:
    """Logins go on while doors last, whatever cannot be written is said, and then all is well."""
    move_to_tmpfs(pair.server, PLACES[place])
    with fault(pair.server, PLACES[place]):
        for _ in range(3):
            assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
        done = pair.server.sshknock("client", "add", "second", "--host", "10.77.0.10", check=False)
        if done.code:
            assert_one_line(done)
        there = pair.server.sshknock("status", check=False)
        assert "Traceback" not in there.stderr
    eventually(lambda: pair.server.sshknock("reconcile").code == 0, "there is room again")
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()
    pair.server.sshknock("reconcile")
    assert pair.server.sshknock("render", "--check", check=False).code == 0
