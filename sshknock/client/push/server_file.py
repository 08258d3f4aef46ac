"""The file on the server: carried over SSH to a private file of the login's, then put in place.

The second step is root's, by sudo where the login is another user's. It is one small command, so
that the file is never seen half-written, and what knockd has open is appended to.
"""

from __future__ import annotations

import secrets

from sshknock.client.remote.administrator import Administrator, Ask
from sshknock.client.remote.command import Completed
from sshknock.client.remote.connection import Connection
from sshknock.client.remote.errors import RemoteFailed

KNOCKD_CONF = "/etc/knockd.conf"

_MISSING, _CHANGED = 44, 45
_READ = f'[ -e "$1" ] || exit {_MISSING}; cat -- "$1"'
_WRITE = """set -e; umask 077; new="$1.sshknock-new"; mkdir -p -- "$(dirname -- "$1")"
trap 'rm -f -- "$new"' EXIT
cat -- "$2" >"$new"; chmod 600 -- "$new"
if [ -e "$1" ]; then chown --reference="$1" -- "$new"; fi
sync "$new"; mv -f -- "$new" "$1"; sync"""
_APPEND = f"""set -e; [ "$(wc -c <"$1")" -eq "$3" ] || exit {_CHANGED}
cat -- "$2" >>"$1"; sync "$1\""""


class ServerFile:
    """A path on a server that a connection leads to."""

    def __init__(self, connection: Connection, path: str, ask: Ask, *, scp: bool) -> None:
        self._connection = connection
        self._path = path
        self._scp = scp
        self._root = Administrator(connection, ask)
        self._checked(self._root.run("true"), "become root")  # sudo asks now, if it has to

    def __str__(self) -> str:
        return f"{self._path} on {self._connection.target}"

    def read(self) -> bytes | None:
        """Return what is in the file, None when there is none."""
        done = self._script(_READ)
        if done.code == _MISSING:
            return None
        return self._checked(done, "read it").stdout.encode()

    def write(self, data: bytes) -> None:
        """Make a new file of mode 0600, whole or not at all; the owner stays who it was."""
        self._with_data(_WRITE, data)

    def append(self, data: bytes, at: int) -> None:
        """Add to the file, if it still is as long as it was when it was read."""
        self._with_data(_APPEND, data, str(at))

    def is_in_use(self) -> bool:
        """Tell whether knockd.conf names the file, as far as can be seen there."""
        lines = self._root.run("cat", "--", KNOCKD_CONF).stdout.splitlines()
        settings = (line.partition("=") for line in lines)
        return any(
            key.strip().lower() == "one_time_sequences" and value.strip() == self._path
            for key, _, value in settings
        )

    def has_knockd(self) -> bool:
        """Tell whether a knockd runs there."""
        return self._root.run("pgrep", "-x", "knockd").code == 0

    def _with_data(self, script: str, data: bytes, *words: str) -> None:
        name = f".sshknock-{secrets.token_hex(8)}"
        try:
            self._connection.upload(data, name, scp=self._scp)
            done = self._script(script, name, *words)
        finally:
            self._connection.run(f"rm -f -- {name}")
        if done.code == _CHANGED:
            raise RemoteFailed(f"{self} has just been changed by somebody else", "try again")
        self._checked(done, "write it")

    def _script(self, script: str, *words: str) -> Completed:
        return self._root.run("sh", "-c", script, "sh", self._path, *words)

    def _checked(self, done: Completed, what: str) -> Completed:
        if done.code == 0:
            return done
        *_, reason = ["it gave no reason", *done.stderr.strip().splitlines()]
        raise RemoteFailed(
            f"cannot {what} ({self}): {reason}",
            f"log in as one who may: --via root@{self._connection.target.alias}, say",
        )
