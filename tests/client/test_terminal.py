"""What is asked of a user at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sshknock.client import config
from sshknock.client.state import OPENED, Store
from sshknock.protocol.counters import ClientCounters
from sshknock.records import replace
from tests.client.conftest import MODULE, TOKEN, enroll, sshknock

PROMPT = "Paste the token, then Enter and Ctrl-D:"


def enroll_at_a_terminal(
    typed: bytes, *, name: str = "box", keyring: str = "file"
) -> tuple[int, str, str]:
    """Run enrolment with standard input a terminal; its code, output and standard error."""
    master, slave = pty.openpty()
    command = ["enroll", name, "--token-file", "-", "--keyring", keyring]
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


def test_nobody_is_asked_for_a_token_that_could_not_be_kept(home: Path) -> None:
    """Without a keyring, and for a name that is taken or cannot be one: said before the paste."""
    enroll_at_a_terminal(TOKEN.encode().encode() + b"\n\x04")
    for code, word, name, keyring in (
        (4, "no system keyring", "crate", "system"),
        (2, "already", "box", "file"),
        (2, "'a b'", "a b", "file"),
    ):
        done = enroll_at_a_terminal(b"", name=name, keyring=keyring)
        assert (done[0], done[1]) == (code, ""), done
        assert word in done[2]
        assert PROMPT not in done[2]
    assert home.exists()


def test_a_question_moves_no_cursor_and_no_answer_is_none() -> None:
    """What a server says may stand in it; and a Ctrl-D instead of a password is nobody there."""
    program = (
        "from sshknock.client.terminal import agrees, ask_password\n"
        "print(agrees('\\x1b[2J really?'), ask_password('\\x1b[2J password: '))"
    )
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["/usr/bin/setsid", "-c", "-w", sys.executable, "-c", program],
        stdin=slave,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(slave)
        shown = until(master, "[y/N]")
        os.write(master, b"y\n")
        shown += until(master, "password:")
        os.write(master, b"\x04")
        stdout, _ = process.communicate(timeout=60)
    os.close(master)
    assert stdout == "True None\n"
    assert "\x1b" not in shown


@pytest.mark.parametrize("answer", ["n", "y"])
def test_whoever_sits_there_is_asked_before_the_only_way_in_is_forgotten(
    token: Path, answer: str
) -> None:
    """A no keeps it; ``--yes`` and scripts are not asked."""
    enroll(token)
    store = Store(config.load().pairings["box"])
    counters = ClientCounters(0, 0, strong=0)
    store.save(replace(store.load(), counters=counters, last_open=1, last_result=OPENED))
    master, slave = pty.openpty()
    with subprocess.Popen(
        ["/usr/bin/setsid", "-c", "-w", sys.executable, "-m", MODULE, "forget", "box"],
        stdin=slave,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(slave)
        shown = until(master, "[y/N]")
        os.write(master, f"{answer}\n".encode())
        stdout, _ = process.communicate(timeout=60)
    os.close(master)
    assert "box was hidden when last tried: this may be your only way in. Forget it?" in shown
    assert process.returncode == (answer == "n")
    assert list(config.load().pairings) == (["box"] if answer == "n" else [])
    assert ("nothing was changed" in stdout) == (answer == "n")


def until(terminal: int, text: str) -> str:
    """Read a terminal until it has shown a text."""
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 1000).decode()
    return shown


def test_a_pipe_is_told_nothing() -> None:
    """Standard error stays empty for scripts."""
    command = ("enroll", "box", "--token-file", "-", "--keyring", "file")
    assert sshknock(*command, stdin=TOKEN.encode()).stderr == ""
