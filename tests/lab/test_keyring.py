"""The client's state in a real Secret Service: gnome-keyring on a bus of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab import Completed, eventually
from tests.lab.conftest import OpenLab
from tests.lab.desk import DELETE_ITEMS, LOCK, RUNTIME, Desk, sit_down
from tests.lab.faults_victims import kill

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def desk(open_module_lab: OpenLab) -> Iterator[Desk]:
    """A laptop that is enrolled with the system's keyring."""
    with sit_down(open_module_lab()) as desk:
        yield desk


def proxy(desk: Desk, **environment: str) -> Completed:
    """Run the proxy by itself, whose exit code ssh would hide, with the session's or another bus.

    It ends by itself: nothing waits for somebody to answer a prompt.
    """
    words = ["sshknock-proxy", desk.pair.server.ipv4, "22"]
    with desk.laptop.popen(words, env=environment or desk.bus, stdin=subprocess.PIPE) as running:
        running.wait()
        return running.end()


def assert_refused(desk: Desk, done: Completed, code: int, *said: str) -> None:
    """Hold that a run ended with this code, a line and a hint, and that no counter was used."""
    first, *hints = done.stderr.splitlines()
    assert done.code == code, done
    assert first.startswith("sshknock: "), done
    assert len(hints) == 1, done
    assert hints[0].startswith("sshknock: hint: "), done
    assert all(words in done.stderr for words in said), done
    assert desk.laptop.processes("gcr-prompter") == {}


def test_logins_with_the_state_in_a_real_gnome_keyring(desk: Desk) -> None:
    """Enrolment stored it there, every login moves it on, and nothing secret is in a file."""
    before = desk.pair.server.pairing("laptop")["next"]
    for _ in range(3):
        desk.in_again()
    assert desk.pair.server.pairing("laptop")["next"] == before + 3
    home = desk.laptop.path("/run/home/root")
    stored = [str(path.relative_to(home)) for path in home.rglob("*sshknock*") if path.is_file()]
    assert not any("keyring" in name for name in stored), stored


def test_a_locked_keyring_is_said_and_burns_nothing(desk: Desk) -> None:
    """Exit 4 and what to do, without a prompt; `status` has it in the row. Unlocked, ssh works."""
    before = desk.pair.server.pairing("laptop")["next"]
    desk.run("sh", "-c", LOCK, check=True)
    with desk.pair.server.capture() as capture:
        assert_refused(desk, proxy(desk), 4, "the keyring is locked", "unlock it")
        assert desk.ssh().code == 255
    assert capture.knocks(desk.laptop.ipv4) == []
    shown = desk.run("sshknock", "status")
    assert_refused(desk, shown, 4, "the keyring is locked")
    assert shown.stdout.splitlines()[1].endswith("the keyring is locked")
    enrolled = desk.run("sshknock", "enroll", "other", "--token-file", "token")
    assert_refused(desk, enrolled, 4, "locked", "--keyring file")
    desk.start_daemon()
    desk.in_again()
    assert desk.pair.server.pairing("laptop")["next"] == before + 1


def test_a_daemon_that_is_gone_and_comes_back(desk: Desk) -> None:
    """Nobody starts it: exit 4 or, where the bus starts one, locked; then all is as before."""
    kill([desk.daemon()])
    done = proxy(desk)
    assert_refused(desk, done, 4, "keyring")
    desk.start_daemon()
    desk.in_again()


def test_an_ssh_session_without_the_variable_of_the_bus(desk: Desk) -> None:
    """The bus is where systemd puts it, and nothing in the environment says so: a login works."""
    address = desk.bus["DBUS_SESSION_BUS_ADDRESS"]
    socket = address.partition("path=")[2].partition(",")[0]
    desk.run("ln", "-sf", socket, f"{RUNTIME}/bus", check=True)
    try:
        done = desk.run("ssh", "-o", "BatchMode=yes", "myserver", "echo in", env={})
    finally:
        desk.run("rm", f"{RUNTIME}/bus", check=True)
    assert (done.code, done.stdout) == (0, "in\n"), done
    desk.in_step()


def test_without_any_bus_a_login_says_what_is_missing(desk: Desk) -> None:
    """As on a text console, in WSL or in a container: exit 4, and nothing is sent."""
    with desk.pair.server.capture() as capture:
        assert_refused(desk, proxy(desk, LANG="C"), 4, "no session bus", "--keyring file")
    assert capture.knocks(desk.laptop.ipv4) == []
    desk.in_again()


def test_without_any_keyring_a_stranger_is_told_what_to_do(desk: Desk) -> None:
    """A headless laptop: exit 4, the hint names `--keyring file`, and with it all goes well."""
    desk.laptop.put("/run/home/root/second", desk.pair.server.pair("second"), 0o600)
    enrolling = ("sshknock", "enroll", "second", "--token-file", "second")
    assert_refused(desk, desk.run(*enrolling, env={}), 4, "--keyring file")
    desk.run(*enrolling, "--keyring", "file", env={}, check=True)
    desk.run("sshknock", "ssh-config", "second", "--write", env={}, check=True)
    done = desk.run(
        *("ssh", "-o", "BatchMode=yes", "-o", "HostKeyAlias=myserver", "second", "echo in"), env={}
    )
    assert (done.code, done.stdout) == (0, "in\n"), done
    desk.run("sshknock", "forget", "second", env={}, check=True)


def test_an_item_that_was_deleted_by_hand(desk: Desk) -> None:
    """Said with what to do; `forget` works all the same, and a new token leads back in."""
    desk.run("bash", "-ec", DELETE_ITEMS, check=True)
    done = proxy(desk)
    assert_refused(desk, done, 1, "no item for 'myserver'", "sshknock forget myserver")
    desk.run("sshknock", "forget", "myserver", check=True)
    desk.pair.server.run(["sshknock-server", "client", "remove", "laptop"])
    desk.enroll(desk.pair.server.pair("laptop"))
    eventually(lambda: desk.ssh().code == 0, "the new token works")
    desk.in_step()
