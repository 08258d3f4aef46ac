"""An SSH connection to a server for a few commands, with the user's own settings and keys.

It goes to the port plainly and never through sshknock-proxy: it is there for a pair that has lost
step, and works from where the port is visible, through a jump host or a private network.
The event loop runs only inside the calls, so that the caller may hold locks and ask questions in
between, and so that ^C ends whatever is waited for.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import TracebackType
from typing import Any, TypeVar

import asyncssh

from sshknock.client.remote.errors import NotReached, explained
from sshknock.errors import UsageError

CONNECT_S = 10.0
LOGIN_S = 30.0
COMMAND_S = 20.0
"""How long a command there may take: less than what an ssh waits for the pairing's lock."""

_PROXY = "sshknock-proxy"
_VIA = re.compile(r"(?:([^\s@-][^\s@]*)@)?([^\s@-][^\s@]*)")
_NOTHING_OF_OURS = {"agent_forwarding": False, "x11_forwarding": False, "send_env": None}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to go: ``alias`` is the Host of ssh's settings that are used.

    ``address`` is the host and port to connect to, None for those of the settings; ``user`` takes
    the place of theirs.
    """

    alias: str
    user: str | None = None
    address: tuple[str, int] | None = None

    def __str__(self) -> str:
        where = self.alias if self.address is None else "{} port {}".format(*self.address)
        return where if self.user is None else f"{self.user}@{where}"


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command left; ``code`` is negative for a signal."""

    code: int
    stdout: str
    stderr: str


def parse_via(text: str) -> Target:
    """Read [USER@]HOST; raise UsageError."""
    match = _VIA.fullmatch(text)
    if match is None or not text.isprintable():
        raise UsageError(f"{text!r} is no [USER@]HOST", "as you would say it to ssh")
    return Target(match[2], match[1])


class Connection:
    """One connection; use as a context manager, which raises NotReached."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Connection:  # noqa: PYI034  Self is of 3.11
        asyncssh.set_log_level("CRITICAL")  # what it would say, our errors say
        try:
            self._connection = self._wait(self._connect())
        except Exception as error:
            self._end()
            raise explained(error, str(self.target)) from error
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.abort()
        self._end()

    def run(self, command: str, *, stdin: str = "") -> Completed:
        """Run a command line there to its end; raise NotReached when the connection breaks."""
        # Without any input asyncssh would leave the other side waiting for its end.
        given: dict[str, Any] = {"input": stdin} if stdin else {"stdin": asyncssh.DEVNULL}
        try:
            done = self._wait(
                self._connection.run(
                    command, **given, errors="replace", timeout=COMMAND_S, request_pty=False
                )
            )
        except asyncssh.TimeoutError as error:
            raise NotReached(f"{self.target} took longer than {COMMAND_S:g} s") from error
        except (asyncssh.Error, OSError) as error:
            raise explained(error, str(self.target)) from error
        code = -1 if done.returncode is None else done.returncode
        return Completed(code, str(done.stdout or ""), str(done.stderr or ""))

    async def _connect(self) -> asyncssh.SSHClientConnection:
        target = self.target
        options: dict[str, Any] = {**_NOTHING_OF_OURS, "login_timeout": LOGIN_S}
        if target.user is not None:
            options["username"] = target.user
        # As connect() will read them: () is the user's own ~/.ssh/config.
        settings = await asyncssh.SSHClientConnectionOptions.construct(
            host=target.alias, config=(), **options
        )
        if settings.known_hosts is None:  # "UserKnownHostsFile none" is no leave to trust anybody
            options["known_hosts"] = _default_known_hosts()
        if target.address is not None:
            if settings.host == target.alias and settings.host_key_alias is None:
                options["host_key_alias"] = target.address[0]  # ssh has no HostName for the alias
            connecting = self._loop.run_in_executor(None, _plain, target.address)
            options |= {"sock": await connecting, "port": target.address[1], "tunnel": None}
        else:
            options["connect_timeout"] = CONNECT_S
            if any(PurePath(word).name == _PROXY for word in settings.proxy_command or ()):
                options["proxy_command"] = None
        return await asyncssh.connect(target.alias, **options)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)

    def _end(self) -> None:
        """Let nothing of the loop outlive this; an interrupted call leaves tasks behind."""
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        with suppress(Exception):
            self._wait(_all_of(tasks))
        self._loop.close()


async def _all_of(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def _default_known_hosts() -> str | bytes:
    """Return the user's own file, or the content of none."""
    file = Path("~/.ssh/known_hosts").expanduser()
    return str(file) if file.is_file() else b""


def _plain(address: tuple[str, int]) -> socket.socket:
    return socket.create_connection(address, CONNECT_S)
