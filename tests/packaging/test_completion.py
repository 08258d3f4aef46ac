"""Completion, as somebody at a shell has it who presses the tabulator."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshknock.client import config
from sshknock.client.config import Pairing

PROMPT = "ready> "


class Shell:
    """A bash at a terminal of its own."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._terminal, terminal = pty.openpty()
        self._bash = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile", "-i"],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
        )
        os.close(terminal)
        self._seen = ""

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def until(self, text: str) -> str:
        """What is shown until this text, which it must be within ten seconds."""
        deadline = time.monotonic() + 10
        while text not in self._seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._terminal], [], [], left)[0]:
                raise AssertionError(f"never shown: {text!r}; shown: {self._seen!r}")
            self._seen += os.read(self._terminal, 4096).decode()
        before, _, self._seen = self._seen.partition(text)
        return before

    def close(self) -> None:
        """End it."""
        self._bash.kill()
        self._bash.wait()
        os.close(self._terminal)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """The shell of a user who has two pairings, and both programs' completion."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with config.changing() as known:
        for name in ("box", "bag"):
            known.pairings[name] = Pairing(name, ("192.0.2.7",), 22, "file", "0123456789abcdef")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    found = Shell({"HOME": str(tmp_path), "PATH": path, "PS1": PROMPT, "TERM": "dumb"})
    found.until(PROMPT)
    for program in ("sshknock", "sshknock-server"):
        found.type(f". <({program} completion bash)\n")
        found.until(PROMPT)
    yield found
    found.close()


def test_commands_and_names_of_pairings_are_completed(shell: Shell) -> None:
    """A command by its first letters, then a pairing, then an option."""
    shell.type("sshknock sy\t")
    shell.until("sshknock sync ")
    shell.type("bo\t")
    shell.until("box ")
    shell.type("--se\t")
    shell.until("--search ")


def test_files_are_completed(shell: Shell, tmp_path: Path) -> None:
    """Where an option wants one."""
    (tmp_path / "laptop.token").touch()
    shell.type("cd\n")
    shell.until(PROMPT)
    shell.type("sshknock enroll new --token-file lap\t")
    shell.until("laptop.token")


def test_the_servers_program_is_completed_too(shell: Shell) -> None:
    """The commands of a group as well."""
    shell.type("sshknock-server cl\t")
    shell.until("sshknock-server client ")
    shell.type("rot\t")
    shell.until("rotate ")


def test_a_shell_that_is_not_known_is_refused(shell: Shell) -> None:
    """In one line, with those that are known."""
    shell.type("sshknock completion tcsh\n")
    shell.until("sshknock: invalid value for '{bash|zsh|fish}': 'tcsh'")
