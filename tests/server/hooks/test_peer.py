"""Who is at the other end: the kernel's answer, with a real sshd on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sshknock.errors import BadInput
from sshknock.server import proc
from sshknock.server.hooks import sshd as at_once
from sshknock.server.hooks.peer import Peer, Sshd, find_peer, peer_among, peer_of, sshd_of
from tests.lab.waiting import eventually

pytestmark = pytest.mark.lab

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
ListenAddress ::1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
PasswordAuthentication no
PidFile none
AcceptEnv SSH_*
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """An sshd of the test's own, and how to log in."""

    pid: int
    port: int
    folder: Path

    @contextmanager
    def session(self, host: str, command: str) -> Iterator[str]:
        """Run a command in a session; give its first line, and end it afterwards."""
        argv = ["ssh", "-F", "none", "-p", str(self.port), "-i", str(self.folder / "user")]
        for option in (
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ):
            argv += ["-o", option]
        with subprocess.Popen(
            [*argv, f"root@{host}", f"{command}; cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as ssh:
            assert ssh.stdout is not None
            yield ssh.stdout.readline().strip()
            ssh.communicate("", timeout=20)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """An sshd that listens on both loopback addresses."""
    folder = tmp_path_factory.mktemp("sshd")
    for name in ("host", "user"):
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(argv, check=True, timeout=20)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(_CONFIG.format(port=port, folder=folder))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    argv = ["/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "config")]
    with (folder / "log").open("w") as log, subprocess.Popen(argv, stderr=log) as process:
        try:
            eventually(lambda: _answers(port), "sshd answers")
            yield Daemon(process.pid, port, folder)
        finally:
            process.terminate()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_peer_of_a_session(sshd: Daemon, host: str) -> None:
    """From a process of the session up to its sshd, and on to the client's address and port."""
    with sshd.session(host, 'echo $$ "$SSH_CONNECTION"') as said:
        pid, address, port, _, local_port = said.split()
        peer = find_peer(int(pid))
        assert peer is not None
        assert (peer.address, peer.port, peer.local_port) == (address, int(port), int(local_port))
        assert peer.sshd_pid != sshd.pid
        assert peer.sshd_started == proc.started(peer.sshd_pid)
    eventually(lambda: proc.started(peer.sshd_pid) is None, "the session's sshd ends with it")
    assert peer_of(Sshd(peer.sshd_pid, peer.sshd_started)) is None


def test_the_environment_is_not_asked(sshd: Daemon) -> None:
    """A process that says something else in it, as another user, is still found out."""
    lie = (
        "SSH_CONNECTION='203.0.113.9 1 1 22' setpriv --reuid 65534 --clear-groups"
        " sh -c 'echo $$ $SSH_CONNECTION; cat'"
    )
    with sshd.session("127.0.0.1", lie) as said:
        pid, claimed, *_ = said.split()
        assert claimed == "203.0.113.9"
        peer = find_peer(int(pid))
        assert peer is not None
        assert peer.address == "127.0.0.1"


def test_the_listening_sshd_has_no_peer(sshd: Daemon) -> None:
    """It is a privileged sshd, and nobody is at its other end."""
    with sshd.session("127.0.0.1", "echo in"):
        assert sshd_of(sshd.pid) == Sshd(sshd.pid, proc.started(sshd.pid) or 0)
        assert find_peer(sshd.pid) is None


def test_another_process_of_the_same_number_has_no_peer(sshd: Daemon) -> None:
    """The session's sshd must be the one that was seen, not a later one."""
    with sshd.session("127.0.0.1", "echo $$") as pid:
        found = sshd_of(int(pid))
        assert found is not None
        assert peer_of(found) is not None
        assert peer_of(Sshd(found.pid, found.started + 1)) is None


@pytest.mark.parametrize(
    ("name", "uid", "believed"),
    [("sshd", 0, True), ("sshd-session", 0, True), ("sshd", 65534, False), ("sshdx", 0, False)],
)
def test_what_counts_as_sshd(tmp_path: Path, name: str, uid: int, believed: bool) -> None:
    """The name of the executable and root in all its user ids; also after an upgrade."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    program = tmp_path / name
    shutil.copy("/bin/cat", program)
    argv = ["/usr/bin/setpriv", "--reuid", str(uid), "--clear-groups", str(program)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        exe = f"/proc/{process.pid}/exe"
        eventually(lambda: os.readlink(exe) == str(program), "it runs")  # noqa: PTH115
        assert (sshd_of(process.pid) is not None) is believed
        program.unlink()
        assert (sshd_of(process.pid) is not None) is believed
        assert find_peer(process.pid) is None
        process.kill()


def test_a_session_that_is_over_still_had_a_peer(sshd: Daemon) -> None:
    """What was noted while sshd waited is enough; tables that would take long are not read then."""
    with sshd.session("127.0.0.1", "echo $$") as pid:
        process = sshd_of(int(pid))
        assert process is not None
        inodes, tables = at_once.sockets(process.pid), at_once.connection_tables(1 << 20)
        assert at_once.connection_tables(10) is None
    assert tables is not None
    peer = peer_among(process, inodes, tables)
    assert peer is not None
    assert peer.address == "127.0.0.1"


def test_no_process_no_sshd() -> None:
    """A connection whose process is gone, or not of this pid namespace (0), belongs to nobody."""
    for pid in (0, 1, -1, 4194304, os.getpid()):
        assert sshd_of(pid) is None


def test_a_peer_as_an_argument() -> None:
    """It reads back, and nothing else does."""
    peer = Peer("2001:db8::1", 40000, 22, 77, 123456789)
    assert Peer.from_argument(peer.argument()) == peer
    for word in ("", "192.0.2.1,1,2,3", "x,1,2,3,4", "192.0.2.1,1,2,3,x", "fe80::1%a,1,2,3,4"):
        with pytest.raises(BadInput):
            Peer.from_argument(word)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
