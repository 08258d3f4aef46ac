"""The wrapper of ForceCommand becomes what sshd would have run, and nothing else."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from sshknock.errors import SystemFault
from sshknock.server.hooks import forcecommand
from tests.server.hooks.programs import HOOK, hook

SFTP_SERVER = "/usr/lib/sftp-server"


@pytest.fixture(autouse=True)
def _sftp_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forcecommand, "_sftp_server", lambda: SFTP_SERVER)


@pytest.mark.parametrize(
    ("original", "program", "argv"),
    [
        (None, "/bin/bash", [b"-bash"]),
        (b"true", "/bin/bash", [b"bash", b"-c", b"true"]),
        (b"", "/bin/bash", [b"bash", b"-c", b""]),
        (b"echo 'a  b' \xff; exit 3", "/bin/bash", [b"bash", b"-c", b"echo 'a  b' \xff; exit 3"]),
        (b"internal-sftp", SFTP_SERVER, [b"sftp-server"]),
        (b"internal-sftp -d  /srv\t-R", SFTP_SERVER, [b"sftp-server", b"-d", b"/srv", b"-R"]),
        (b"internal-sftpd", "/bin/bash", [b"bash", b"-c", b"internal-sftpd"]),
        (
            b"/usr/lib/openssh/sftp-server",
            "/bin/bash",
            [b"bash", b"-c", b"/usr/lib/openssh/sftp-server"],
        ),
    ],
)
def test_what_sshd_would_have_run(original: bytes | None, program: str, argv: list[bytes]) -> None:
    """A login shell, a command through the shell, or the program behind internal-sftp's name."""
    assert forcecommand.command(original, "/bin/bash") == (program, argv)


def test_no_sftp_server_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than running a shell with a name that is no program."""
    monkeypatch.undo()
    monkeypatch.setattr(forcecommand, "_SFTP_SERVERS", ())
    with pytest.raises(SystemFault, match="no sftp-server"):
        forcecommand.command(b"internal-sftp", "/bin/bash")


def test_the_command_sees_what_it_would_have_seen() -> None:
    """Its environment, exit code, stderr and signals are those that it has without the wrapper."""
    script = "env -0; grep SigIgn /proc/self/status >&2; exit 7"
    env = {"LANG": "C", "ODD": "a\nb=c", "EMPTY": "", "SSH_CONNECTION": "a b c d"}
    shell = pwd.getpwuid(os.getuid()).pw_shell
    plain, wrapped = (
        subprocess.run(argv, env=env | more, capture_output=True, timeout=20, check=False)
        for argv, more in (
            ([shell, "-c", script], {}),
            ([sys.executable, "-ISB", str(HOOK), "forcecommand"], {"SSH_ORIGINAL_COMMAND": script}),
        )
    )
    assert (wrapped.returncode, wrapped.stderr) == (7, plain.stderr)
    assert sorted(wrapped.stdout.split(b"\0")) == sorted(plain.stdout.split(b"\0"))


def test_a_killed_command_is_seen_as_killed() -> None:
    """There is no process between sshd and the command."""
    assert hook("forcecommand", env={"SSH_ORIGINAL_COMMAND": "kill -9 $$"}).returncode == -9
