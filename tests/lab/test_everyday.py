"""What people do with ssh every day, all of it through a real knockd."""

from __future__ import annotations

import hashlib
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.lab import Client, Lab, Process, Server, eventually, transfers
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

MEBIBYTE = "".join(f"{number:063d}\n" for number in range(1 << 14))
"""A MiB of text: more than any buffer on the way holds."""


@pytest.fixture(autouse=True)
def _hidden_and_in_step(pair: Pair) -> Iterator[None]:
    """Around every test: the port is hidden, and both sides agree afterwards."""
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
    yield
    pair.in_step()
    assert pair.laptop.connects(pair.server.ipv4) == "refused"


@pytest.fixture(scope="module")
def inner(pair: Pair) -> Server:
    """A machine behind the server, with an ordinary sshd."""
    lab: Lab = pair.lab
    inner = lab.server("inner")
    pair.laptop.trust(inner)
    return inner


def test_exit_code_and_both_streams_are_kept(laptop: Client) -> None:
    """A remote command's output, messages and exit code arrive, and nothing else does."""
    done = laptop.ssh("myserver", "echo out; echo err >&2; exit 7", check=False)
    assert (done.code, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_much_data_passes_both_ways(laptop: Client) -> None:
    """Input and output at once, more than all buffers hold, byte for byte, to the end of file."""
    done = laptop.ssh("myserver", "cat", input=MEBIBYTE)
    assert hashlib.sha256(done.stdout.encode()).digest() == (
        hashlib.sha256(MEBIBYTE.encode()).digest()
    )


def test_another_user_of_the_same_server(laptop: Client) -> None:
    """The user is ssh's affair: one pairing serves all accounts."""
    assert laptop.ssh("alice@myserver", "id -un").stdout == "alice\n"


def test_a_terminal(laptop: Client) -> None:
    """A remote command that asks for a terminal has one, on both ends."""
    command = "ssh -tt myserver 'test -t 0 && test -t 1 && echo a terminal; exit 3'"
    done = laptop.run(["script", "-qec", command, "/dev/null"], check=False)
    assert done.code == 3
    assert "a terminal" in done.stdout


def test_a_login_shell(laptop: Client) -> None:
    """Without a command there is a shell that reads what is typed."""
    done = laptop.ssh("-tt", "myserver", check=False, input="echo $((6*7))\nexit 5\n")
    assert done.code == 5
    assert "42" in done.stdout


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "scp"])
def test_scp_there_and_back(laptop: Client, server: Server, protocol: list[str]) -> None:
    """A file is copied to the server and back, over both of scp's protocols."""
    transfers.by_scp(laptop, server, *protocol, user="root", text=MEBIBYTE)


def test_sftp(laptop: Client, server: Server) -> None:
    """A batch of sftp commands."""
    transfers.by_sftp(laptop, server, user="root", text=MEBIBYTE)


def test_rsync(laptop: Client, server: Server) -> None:
    """A tree is mirrored."""
    transfers.by_rsync(laptop, server, user="root", text=MEBIBYTE)


def test_git_clone_and_push(laptop: Client, server: Server) -> None:
    """A repository on the server is cloned, and takes a commit back."""
    identity = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"]
    server.run(["git", "init", "-q", "--bare", "-b", "main", "repository.git"])
    laptop.run(["git", "clone", "-q", "myserver:repository.git", "clone"])
    laptop.run(["git", "-C", "clone", *identity, "commit", "-q", "--allow-empty", "-m", "first"])
    laptop.run(["git", "-C", "clone", "push", "-q", "origin", "HEAD:main"])
    log = server.run(["git", "-C", "repository.git", "log", "--format=%s", "main"])
    assert log.stdout == "first\n"


def test_a_control_master_knocks_once_for_many_commands(laptop: Client, server: Server) -> None:
    """ControlMaster, ControlPersist: the first command opens, the rest ride along, -O exit ends."""
    shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-o", "ControlPath=/run/cm"]
    before = server.pairing("laptop")["next"]
    for number in range(3):
        assert laptop.ssh(*shared, "myserver", f"echo {number}").stdout == f"{number}\n"
    assert server.pairing("laptop")["next"] == before + 1
    eventually(lambda: server.pairing("laptop")["sessions"] == 1, "those before are over")
    assert laptop.pairing()["sessions"] == 1
    laptop.ssh(*shared, "-O", "exit", "myserver")


def test_a_forwarding_without_a_command(laptop: Client, server: Server) -> None:
    """-N -L: the forwarded port answers, the session is counted on both sides, ^C ends it."""
    ssh = ["ssh", "-o", "BatchMode=yes", "-N", "-L", "2200:127.0.0.1:22", "myserver"]
    with laptop.popen(ssh) as forwarding:

        def banner() -> bytes:
            with laptop.namespaces.network():
                tunnel = socket.socket()
            with tunnel:
                tunnel.settimeout(2)
                return tunnel.recv(8) if tunnel.connect_ex(("127.0.0.1", 2200)) == 0 else b""

        assert eventually(banner, "the tunnel answers") == b"SSH-2.0-"
        eventually(lambda: server.pairing("laptop")["sessions"] == 1, "the server counts it")
        assert laptop.pairing()["sessions"] == 1
        forwarding.signal(signal.SIGINT)
        forwarding.wait()


def test_a_jump_through_the_server(laptop: Client, server: Server, inner: Server) -> None:
    """-J: the third machine sees the server as its client."""
    done = laptop.ssh(
        "-J", "myserver", f"root@{inner.ipv4}", "echo $SSH_CONNECTION; exit 9", check=False
    )
    assert done.code == 9, done
    assert done.stdout.split()[0] == server.ipv4


def test_sessions_at_once_do_not_disturb_each_other(laptop: Client, server: Server) -> None:
    """Four runs of ssh started together all get in; the server counts four."""
    command = ["ssh", "-o", "BatchMode=yes", "myserver", "echo in; cat"]
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        sessions = [
            stack.enter_context(laptop.popen(command, stdin=subprocess.PIPE)) for _ in range(4)
        ]
        assert list(pool.map(Process.line, sessions)) == ["in\n"] * 4
        eventually(lambda: server.pairing("laptop")["sessions"] == 4, "the server counts four")
        assert laptop.pairing()["sessions"] == 4
        assert [session.end().code for session in sessions] == [0] * 4


def test_a_session_that_is_killed_is_not_counted_for_ever(laptop: Client, server: Server) -> None:
    """SIGKILL to ssh: no farewell is sent by ssh, and both sides' books are right all the same."""
    with laptop.popen(
        ["ssh", "-o", "BatchMode=yes", "myserver", "echo in; cat"], stdin=subprocess.PIPE
    ) as session:
        assert session.line() == "in\n"
        eventually(lambda: server.pairing("laptop")["sessions"] == 1, "the server counts it")
        session.signal(signal.SIGKILL)
        session.wait()
