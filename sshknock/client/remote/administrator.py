"""Running ``sshknock-server`` there, as root: directly, or by sudo."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

from sshknock.client.remote.connection import Completed, Connection
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
        done = self.run(PROGRAM, *words)
        if done.code != 0:
            raise self._failure(done)
        try:
            answer = json.loads(done.stdout)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise RemoteFailed(f"{PROGRAM} on {self._connection.target} gave no answer")
        return answer

    def run(self, *words: str) -> Completed:
        """Run any command as root; what sudo says about it is in the answer. Raises NoRights."""
        if self._root:
            return self._connection.run(_line(*words))
        for _ in range(_PASSWORDS):
            done = self._by_sudo(words)
            if done.code == 0 or not _says(done, _WANTS_PASSWORD):
                return done
            self._password = self._ask(f"sudo password on {self._connection.target}: ")
            if self._password is None:
                raise NoRights(
                    f"sudo on {self._connection.target} wants a password, and there is no terminal",
                    f"run this at a terminal, or {self._as_root}",
                )
        return self._by_sudo(words)

    def _by_sudo(self, words: tuple[str, ...]) -> Completed:
        if self._password is None:
            return self._connection.run(_line("sudo", "-n", "--", *words))
        # On standard input: an argument could be read by everybody there.
        command = _line("sudo", "-S", "-p", "", "--", *words)
        return self._connection.run(command, stdin=f"{self._password}\n".encode())

    def _failure(self, done: Completed) -> SshknockError:
        where = self._connection.target
        for line in done.stderr.splitlines():
            if line.startswith("sshknock: "):  # it did start
                said = line.removeprefix("sshknock: ")
                kind: type[SshknockError] = NotSetUp if said == _NOT_SET_UP else RemoteFailed
                if done.code == EXIT_NO_SUCH_PAIRING:
                    kind = NoSuchPairing
                return kind(f"{where}: {said}")
        if not self._root and _says(done, (*_REFUSED, *_WANTS_PASSWORD, "'sudo'")):
            return NoRights(f"sudo on {where} does not let you run {PROGRAM}", self._as_root)
        if done.code == _NO_SUCH_COMMAND or _says(done, ("command not found",)):
            return NotInstalled(
                f"{PROGRAM} was not found on {where}",
                f"is it the right host? else there: ln -s /opt/sshknock/bin/{PROGRAM}"
                " /usr/local/sbin/",
            )
        *_, last = ["it gave no reason", *done.stderr.strip().splitlines()]
        return RemoteFailed(f"{PROGRAM} on {where} failed: {last}")


def _line(*words: str) -> str:
    """Return a command line for any login shell; the messages are to be in English."""
    return shlex.join(("env", "LC_ALL=C", *words))


def _says(done: Completed, words: tuple[str, ...]) -> bool:
    return any(word in done.stderr for word in words)
