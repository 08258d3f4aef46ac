"""The hook for servers without PAM: all that ssh can do passes through the wrapper unchanged."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab import Client, Server, eventually, transfers
from tests.lab.conftest import OpenLab, Pair

pytestmark = pytest.mark.lab

TEXT = "".join(f"{number:063d}\n" for number in range(1 << 12))


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A server whose sshd runs the wrapper for the ordinary user alice, as init says to."""
    lab = open_module_lab()
    server, laptop = lab.server(), lab.client()
    told = server.init("--hook", "forcecommand").stdout
    (command,) = (line.strip() for line in told.splitlines() if " ForceCommand /" in line)
    server.append("/etc/ssh/sshd_config", f"UsePAM no\nMatch User alice\n    {command}\n")
    # sshd takes the first value that it reads.
    text = server.read("/etc/ssh/sshd_config").replace("UsePAM yes\n", "")
    server.put("/etc/ssh/sshd_config", text)
    server.stop_sshd()
    server.start_sshd()
    laptop.enroll(server)
    return Pair(lab, server, laptop)


def test_init_warns_of_what_a_forced_command_defeats(pair: Pair) -> None:
    """The instructions name the keys' own commands, which a global ForceCommand would bypass."""
    told = pair.server.init("--hook", "forcecommand").stdout
    assert 'command="' in told
    assert "authorized_keys" in told


def test_pam_is_not_touched(server: Server) -> None:
    """With this hook there is no line of ours in sshd's PAM stack."""
    assert "sshknock" not in server.read("/etc/pam.d/sshd")


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("echo out; echo err >&2; exit 7", 7, "out\n"),
        ("printf '%s|' \"a  b\" 'c\"d' $HOME", 0, 'a  b|c"d|/run/home/alice|'),
        ("kill -9 $$", 255, ""),
        ("", 0, ""),
    ],
)
def test_commands_quoting_and_exit_codes(
    laptop: Client, command: str, code: int, output: str
) -> None:
    """What the remote shell would have done, it does."""
    done = laptop.ssh("alice@myserver", command, check=False)
    assert (done.code, done.stdout) == (code, output), done


def test_standard_input_reaches_the_command(laptop: Client) -> None:
    """The wrapper reads nothing of it."""
    assert laptop.ssh("alice@myserver", "cat", input=TEXT).stdout == TEXT


def test_a_login_shell(laptop: Client) -> None:
    """A terminal, a login shell by its name, an exit code."""
    typed = "echo $0 $((6*7))\nexit 5\n"
    done = laptop.ssh("-tt", "alice@myserver", check=False, input=typed)
    assert done.code == 5
    assert "-bash 42" in done.stdout


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "scp"])
def test_scp_there_and_back(laptop: Client, server: Server, protocol: list[str]) -> None:
    """Both of scp's protocols."""
    transfers.by_scp(laptop, server, *protocol, user="alice", text=TEXT)


def test_sftp(laptop: Client, server: Server) -> None:
    """A batch of sftp commands."""
    transfers.by_sftp(laptop, server, user="alice", text=TEXT)


def test_rsync_and_git(laptop: Client, server: Server) -> None:
    """Programs that speak over ssh's streams."""
    transfers.by_rsync(laptop, server, user="alice", text=TEXT)
    server.run(["git", "init", "-q", "--bare", "repository.git"], user="alice")
    laptop.run(["git", "clone", "-q", "alice@myserver:repository.git", "clone"])


def test_the_session_is_counted_and_its_end_is_noticed(pair: Pair) -> None:
    """The server learns of the session from the wrapper, without PAM."""
    at = pair.server.pairing("laptop")["next"]
    session = pair.laptop.popen(
        ["ssh", "-o", "BatchMode=yes", "alice@myserver", "echo in; cat"], stdin=subprocess.PIPE
    )
    with session:
        assert session.line() == "in\n"
        eventually(lambda: pair.server.pairing("laptop")["sessions"] == 1, "it is counted")
        assert session.end().code == 0
    pair.in_step()
    assert pair.server.pairing("laptop")["next"] == at + 1


def test_the_socket_of_the_wrapper_trusts_nobody(pair: Pair) -> None:
    """A local user who writes to it what he likes changes nothing and is not kept waiting."""
    before = pair.server.pairing("laptop")
    program = (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX); s.settimeout(5)\n"
        "s.connect('/run/sshknock/hook.sock')\n"
        "s.sendall(b'10.77.0.11\\n' * 1000); s.shutdown(1)\n"
        "try: s.recv(100)\n"
        "except ConnectionError: pass\n"
    )
    pair.server.run(["/usr/bin/python3", "-ISc", program], user="alice", check=False)
    assert pair.server.pairing("laptop") == before
    assert pair.laptop.connects(pair.server.ipv4) == "refused"
