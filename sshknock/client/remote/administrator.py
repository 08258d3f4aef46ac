"""Running ``sshknock-server`` there, as root: directly, or by sudo."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from sshknock.client.remote.command import Completed
from sshknock.client.remote.connection import COMMAND_S, Connection
from sshknock.client.remote.errors import NoRights, NotInstalled, NotSetUp, RemoteFailed
from sshknock.errors import EXIT_NO_SUCH_PAIRING, NoSuchPairing, SshknockError

PROGRAM = "sshknock-server"
_NO_SUCH_COMMAND = 127
_NOT_SET_UP = "this server is not set up"  # its exit code is that of any failure
_PASSWORDS = 3
_WANTS_PASSWORD = ("a password is required", "incorrect password", "no password was provided")
_REFUSED = ("not in the sudoers", "is not allowed", "may not run", "must have a tty")

Ask = Callable[[str], str | None]
"""Asks the user for a password, after showing a text; None when there is nobody to ask."""


class Administrator:
    """The other side's ``sshknock-server``; the password that sudo may want is asked for once."""

    def __init__(self, connection: Connection, ask: Ask) -> None:
        self._connection = connection
        self._ask = ask
        self._password: str | None = None
        self._root = connection.run("id -u").stdout.strip() == "0"
        self._as_root = f"log in as root: --via root@{connection.target.alias}"

    def call(self, *words: str) -> dict[str, Any]:
        """Run a command that answers in JSON; return its answer.

        Raises NoRights, NotReached, NoSuchPairing where the server knows none, and RemoteFailed.
        """
        done = self.do(*words)
        try:
            answer = json.loads(done.stdout)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise RemoteFailed(f"{PROGRAM} on {self._connection.target} gave no answer")
        return answer

    def do(self, *words: str, timeout_s: float = COMMAND_S) -> Completed:
        """Run a command of the program; raises what ``call`` raises when it fails."""
        done = self.run(PROGRAM, *words, timeout_s=timeout_s)
        if done.code != 0:
            raise self._failure(done)
        return done

    def run(self, *words: str, stdin: bytes = b"", timeout_s: float = COMMAND_S) -> Completed:
        """Run any command as root; what sudo says about it is in the answer. Raises NoRights.

        Before ``stdin`` the command may read a line that sudo has not wanted.
        """
        if self._root:
            return self._connection.run(_line(*words), stdin=stdin, timeout_s=timeout_s)
        for _ in range(_PASSWORDS):
            done = self._by_sudo(words, stdin, timeout_s)
            if done.code == 0 or not _says(done.stderr, _WANTS_PASSWORD):
                return done
            self._password = self._ask(f"sudo password on {self._connection.target}: ")
            if self._password is None:
                raise NoRights(
                    f"sudo on {self._connection.target} wants a password, and none was given",
                    f"run this at a terminal, or {self._as_root}",
                )
        return self._by_sudo(words, stdin, timeout_s)

    def _by_sudo(self, words: tuple[str, ...], stdin: bytes, timeout_s: float) -> Completed:
        if self._password is None:
            line = _line("sudo", "-n", "--", *words)
        else:  # on standard input: an argument could be read by everybody there
            line = _line("sudo", "-S", "-p", "", "--", *words)
            stdin = f"{self._password}\n".encode() + stdin
        return self._connection.run(line, stdin=stdin, timeout_s=timeout_s)

    def _failure(self, done: Completed) -> SshknockError:
        where = self._connection.target
        for line in done.stderr.splitlines():
            if line.startswith("sshknock: "):  # it did start
                said = line.removeprefix("sshknock: ")
                kind: type[SshknockError] = NotSetUp if said == _NOT_SET_UP else RemoteFailed
                if done.code == EXIT_NO_SUCH_PAIRING:
                    kind = NoSuchPairing
                return kind(f"{where}: {said}")
        refused = self.refused(done.stderr, PROGRAM)
        if refused is not None:
            return refused
        if done.code == _NO_SUCH_COMMAND or _says(done.stderr, ("command not found",)):
            return NotInstalled(
                f"{PROGRAM} was not found on {where}",
                f"is it the right host? else there: ln -s /opt/sshknock/bin/{PROGRAM}"
                " /usr/local/sbin/",
            )
        *_, last = ["it gave no reason", *done.stderr.strip().splitlines()]
        return RemoteFailed(f"{PROGRAM} on {where} failed: {last}")

    def refused(self, stderr: str, program: str) -> NoRights | None:
        """Return what to tell when it was sudo that refused, None when it was not."""
        if self._root or not _says(stderr, (*_REFUSED, *_WANTS_PASSWORD, "'sudo'")):
            return None
        where = self._connection.target
        return NoRights(f"sudo on {where} does not let you run {program}", self._as_root)


def _line(*words: str) -> str:
    """Return a command line for any login shell; the messages are to be in English."""
    return shlex.join(("env", "LC_ALL=C", *words))


def _says(stderr: str, words: tuple[str, ...]) -> bool:
    return any(word in stderr for word in words)
