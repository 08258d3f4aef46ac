"""Python or the package is changed under a server that runs: what goes on, and what is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Server, eventually
from tests.lab.conftest import Pair, _labs
from tests.lab.install import Installation
from tests.lab.namespaces import children

pytestmark = pytest.mark.lab

READ_LOG = """
import sqlite3, sys
books = sqlite3.connect("file:/var/lib/sshknock/state.db?mode=ro", uri=True)
for row in books.execute("SELECT detail FROM event WHERE kind = ? ORDER BY id", sys.argv[1:]):
    print(*row)
"""


@pytest.fixture(scope="module")
def own_installation() -> Iterator[Installation]:
    """The server's installation, which may be damaged; the client has that of the other tests."""
    with Installation() as installed:
        yield installed


@pytest.fixture
def pair(
    request: pytest.FixtureRequest, installation: Installation, own_installation: Installation
) -> Iterator[Pair]:
    """A pair that has met once."""
    for open_lab in _labs(request.config, own_installation):
        lab = open_lab()
        server = lab.server()
        lab.installation = installation
        laptop = lab.client()
        server.init()
        laptop.enroll(server)
        laptop.ssh("myserver", "true")
        pair = Pair(lab, server, laptop)
        pair.in_step()
        yield pair


@pytest.fixture
def package(own_installation: Installation) -> Path:
    """The folder of the server's package."""
    venv = own_installation.programs.parent
    (found,) = venv.glob("lib/python3*/site-packages/sshknock")
    return found


def supervisor(server: Server) -> int:
    """The supervisor's process."""
    found = {pid for pid, line in server.processes().items() if "hook.py watch" in line}
    (pid,) = found - {copy for pid in found for copy in children(pid)}
    return pid


def look_now(server: Server) -> None:
    """Have the supervisor look at the hooks at once, as a reload does."""
    os.kill(supervisor(server), signal.SIGHUP)


def logged(server: Server, kind: str) -> list[str]:
    """The log's lines of a kind, read without any program of the product."""
    done = server.run(["/usr/bin/python3", "-c", READ_LOG, kind])
    return done.stdout.splitlines()


def test_a_package_that_was_replaced_goes_on_at_once(pair: Pair, package: Path) -> None:
    """New files in the place of the old: logins, a session from before and its end, all is well."""
    with pair.laptop.popen(["ssh", "myserver", "cat"], stdin=subprocess.PIPE) as session:
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "the session counts")
        new, old = package.with_name("new"), package.with_name("old")
        shutil.copytree(package, new, ignore=shutil.ignore_patterns("__pycache__"))
        package.rename(old)
        new.rename(package)
        shutil.rmtree(old)
        assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
        assert session.popen.stdin is not None
        session.popen.stdin.write("still here\n")
        session.popen.stdin.flush()
        assert session.line() == "still here\n"
        session.popen.stdin.close()
        session.wait()
    pair.in_step()
    before = supervisor(pair.server)
    pair.server.init()
    assert supervisor(pair.server) != before, "the supervisor is the new program"
    assert pair.server.sshknock("doctor", timeout_s=60).code == 0
    assert "Note" not in pair.server.sshknock("status").stdout


@pytest.mark.parametrize("what", ["package", "interpreter"])
def test_what_was_taken_away_is_told_and_what_happened_meanwhile_is_not_lost(
    pair: Pair, package: Path, own_installation: Installation, what: str
) -> None:
    """Logins pass, more than there were doors; the supervisor writes down that the hook is gone.

    What it has in memory keeps the doors in step. When the hook is back and init has run, all is
    well.
    """
    taken = package if what == "package" else own_installation.programs / "python"
    aside = taken.with_name("aside")
    taken.rename(aside)
    try:
        for _ in range(6):
            assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
        look_now(pair.server)
        eventually(lambda: logged(pair.server, "hook-fails"), "it is noticed", timeout_s=40)
        look_now(pair.server)
        eventually(lambda: len(logged(pair.server, "open")) == 7, "they are entered", timeout_s=40)
        for _ in range(6):
            assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    finally:
        aside.rename(taken)
    assert pair.laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.server.init()
    assert "Note" not in pair.server.sshknock("status").stdout
    pair.in_step()
    look_now(pair.server)
    eventually(lambda: logged(pair.server, "hook-works"), "it is noticed", timeout_s=40)
    (told,) = logged(pair.server, "hook-fails")
    assert told.startswith("the hook that /etc/pam.d/sshd runs does not start: ")
    assert len(logged(pair.server, "hook-works")) == 1
    assert len(logged(pair.server, "open")) == 14


def test_a_line_of_an_old_venv_is_told_in_the_status(pair: Pair) -> None:
    """The program itself is well; what PAM was told to run is gone, and `init` writes it anew."""
    pam = pair.server.read("/etc/pam.d/sshd")
    pair.server.path("/etc/pam.d/sshd").write_text(pam.replace("/venv/", "/old-venv/"))
    look_now(pair.server)
    eventually(lambda: logged(pair.server, "hook-fails"), "it is noticed", timeout_s=40)
    told = " ".join(pair.server.sshknock("status").stdout.split())
    assert "the hook that /etc/pam.d/sshd runs does not start" in told
    pair.server.init()
    assert "Note" not in pair.server.sshknock("status").stdout
