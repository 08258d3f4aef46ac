"""Programs that know nothing of sshknock: they run ssh, or read its configuration themselves."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Client, Process, Server, eventually
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

PYTHON = Path(sys.executable)
"""The tests' own, which has the libraries."""

WITH_PARAMIKO = """
import os, sys, paramiko
ours = paramiko.SSHConfig.from_path(os.path.expanduser("~/.ssh/sshknock.conf")).lookup("myserver")
client = paramiko.SSHClient()
client.load_system_host_keys()
proxy = paramiko.ProxyCommand(ours["proxycommand"])
client.connect(ours["hostname"], username="root", sock=proxy)
input, output, errors = client.exec_command("cat; echo $SSH_CONNECTION | cut -d ' ' -f 1")
input.write("from here\\n")
input.close()
print(output.read().decode(), end="")
with client.open_sftp() as sftp:
    with sftp.open("by-paramiko", "w") as file:
        file.write("x" * 100000)
client.close()
"""
WITH_ASYNCSSH = """
import asyncio, sys, asyncssh
async def main():
    host, *told = sys.argv[1:]
    options = {"proxy_command": ["sshknock-proxy", host, "22"]} if told else {}
    async with asyncssh.connect(host, username="root", **options) as connection:
        done = await connection.run("cat; echo and back", input="there\\n", check=True)
        print(done.stdout, end="")
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _in_step(pair: Pair) -> Iterator[None]:
    """Whatever the program was, it leaves both sides in step, and no session behind."""
    yield
    pair.in_step()
    assert pair.laptop.connects(pair.server.ipv4) == "refused"


def test_paramiko(laptop: Client, server: Server) -> None:
    """By its ProxyCommand, with the line that ssh-config wrote: a command, and a file by SFTP."""
    done = laptop.run([PYTHON, "-c", WITH_PARAMIKO])
    assert done.stdout == f"from here\n{laptop.ipv4}\n"
    assert server.run(["wc", "-c", "by-paramiko"]).stdout.startswith("100000 ")


@pytest.mark.parametrize("way", ["the name", "proxy_command"])
def test_asyncssh(laptop: Client, server: Server, way: str) -> None:
    """By the name alone, for it reads ssh's configuration; or told what to run."""
    words = ["myserver"] if way == "the name" else [server.ipv4, "proxy"]
    done = laptop.run([PYTHON, "-c", WITH_ASYNCSSH, *words])
    assert done.stdout == "there\nand back\n"


def through(laptop: Client, port: int, far_port: int) -> bytes:
    """What a port of the server's own says first, asked through a SOCKS port here."""
    with laptop.namespaces.network():
        tunnel = socket.socket()
    with tunnel:
        tunnel.settimeout(10)
        tunnel.connect(("127.0.0.1", port))
        tunnel.sendall(b"\5\1\0")
        assert tunnel.recv(2) == b"\5\0"
        tunnel.sendall(b"\5\1\0\1\x7f\0\0\1" + far_port.to_bytes(2, "big"))
        assert tunnel.recv(10)[1] == 0
        return tunnel.recv(8)


def test_the_way_of_an_editor(laptop: Client) -> None:
    """As VS Code's Remote-SSH runs it: a script on stdin, SOCKS for the rest, a second ssh at once.

    The script stays, and says when the far side is ready; ConnectTimeout is the editor's own.
    """
    editor = ["ssh", "-T", "-o", "ConnectTimeout=15", "-D"]
    with (
        laptop.popen([*editor, "1080", "myserver", "bash"], stdin=subprocess.PIPE) as first,
        laptop.popen([*editor, "1081", "-v", "myserver"], stdin=subprocess.PIPE) as second,
    ):
        for session in (first, second):
            assert session.popen.stdin is not None
            session.popen.stdin.write("echo 'ready: '$((6*7))\ncat\n")
            session.popen.stdin.flush()
        assert [until(session, "ready") for session in (first, second)] == ["ready: 42\n"] * 2
        assert [through(laptop, port, 22) for port in (1080, 1081)] == [b"SSH-2.0-"] * 2
        assert first.end().code == second.end().code == 0


def until(process: Process, word: str) -> str:
    """The first line of the output with a word in it."""
    while line := process.line():
        if word in line:
            return line
    raise AssertionError(f"ended without {word!r}")


@pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="needs /dev/fuse")
def test_sshfs(laptop: Client, server: Server) -> None:
    """The server's files are mounted, read and written."""
    server.put("/run/home/root/there", "from the server\n")
    laptop.path("/run/mounted").mkdir()
    laptop.run(["sshfs", "myserver:", "/run/mounted"])
    try:
        assert laptop.run(["cat", "/run/mounted/there"]).stdout == "from the server\n"
        laptop.run(["sh", "-c", "echo from here >/run/mounted/here"])
        assert server.read("/run/home/root/here") == "from here\n"
    finally:
        laptop.run(["fusermount3", "-u", "/run/mounted"])


def test_the_names_of_clients_are_completed_for_root(server: Server) -> None:
    """As a shell asks it: every command that takes the name of a client offers those there are."""
    for command in ("client show", "client rotate", "sync"):
        asked = {
            "_SSHKNOCK_SERVER_COMPLETE": "bash_complete",
            "COMP_WORDS": f"sshknock-server {command} la",
            "COMP_CWORD": str(len(command.split()) + 1),
        }
        assert server.run(["sshknock-server"], env=asked).stdout == "plain,laptop\n"


@pytest.mark.long
def test_ansible_over_three_hosts(pair: Pair) -> None:
    """All at once, with pipelining, by connections that Ansible keeps open (ControlPersist)."""
    others = [pair.lab.server(name) for name in ("second", "third")]
    for other in others:
        other.init()
        pair.laptop.enroll(other, other.name)
    laptop = pair.laptop
    laptop.put("/run/home/root/hosts", "myserver\nsecond\nthird\n")
    settings = {
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": "/run/cp",
        "ANSIBLE_PYTHON_INTERPRETER": "/usr/bin/python3",
        "ANSIBLE_NOCOLOR": "1",
    }
    ansible = (str(PYTHON.with_name("ansible")), "all", "-i", "hosts", "-u", "root")
    try:
        done = laptop.run([*ansible, "-m", "ping"], env=settings, timeout_s=60)
        assert done.stdout.count('"ping": "pong"') == 3
        before = pair.server.pairing("laptop")["next"]
        done = laptop.run([*ansible, "-a", "uname -n"], env=settings, timeout_s=60)
        assert done.stdout.count("rc=0") == 3
        assert pair.server.pairing("laptop")["next"] == before, "the connection was kept"
    finally:
        for path in laptop.path("/run/cp").iterdir():
            laptop.ssh("-o", f"ControlPath=/run/cp/{path.name}", "-O", "exit", "all", check=False)
    for other in others:
        eventually(lambda: other.pairing("laptop")["sessions"] == 0, "its session is over")  # noqa: B023
