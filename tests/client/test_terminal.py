"""What is asked of a user at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from sshknock.client import config
from tests.client.conftest import MODULE, TOKEN, sshknock

PROMPT = "Paste the token, then Enter and Ctrl-D:"


def enroll_at_a_terminal(typed: bytes) -> tuple[int, str, str]:
    """Run enrolment with standard input a terminal; its code, output and standard error."""
    master, slave = pty.openpty()
    command = ["enroll", "box", "--token-file", "-", "--keyring", "file"]
    with subprocess.Popen(
        [sys.executable, "-m", MODULE, *command],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(slave)
        os.write(master, typed)
        stdout, stderr = process.communicate(timeout=60)
    os.close(master)
    return process.returncode, stdout, stderr


def test_whoever_pastes_a_token_is_told_how(home: Path) -> None:
    """On standard error, once; the token is taken as from a file."""
    code, stdout, stderr = enroll_at_a_terminal(TOKEN.encode().encode() + b"\n\x04")
    assert (code, stderr) == (0, PROMPT + "\n"), stderr
    assert "enrolled box" in stdout
    assert config.config_file().is_relative_to(home)


def test_a_pipe_is_told_nothing() -> None:
    """Standard error stays empty for scripts."""
    command = ("enroll", "box", "--token-file", "-", "--keyring", "file")
    assert sshknock(*command, stdin=TOKEN.encode()).stderr == ""
