"""An SSH connection to a server for a few commands, with the user's own settings and keys.

It goes to the port plainly and not through sshknock-proxy, unless it is told to: it is there for a
pair that has lost step, and works from where the port is visible, through a jump host or a private
network.
The event loop runs only inside the calls, so that the caller may hold locks and ask questions in
between, and so that ^C ends whatever is waited for.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import asyncssh

from sshknock.client.remote.command import Completed, TooMuch, run
from sshknock.client.remote.errors import NotReached, RemoteFailed, explained
from sshknock.client.remote.host_keys import Witness
from sshknock.client.remote.interrupts import resume
from sshknock.client.remote.settings import Hop, Settings, read
from sshknock.client.remote.transfer import TRANSFER_S, by_scp, by_sftp
from sshknock.errors import SshknockError, UsageError

CONNECT_S = 10.0
LOGIN_S = 30.0
COMMAND_S = 20.0
"""How long a command there may take: less than what an ssh waits for the pairing's lock."""

END_S = 2.0
"""How long the end of a connection is waited for."""

# As ssh has it: a Match exec or a ProxyCommand of the settings may give these to a shell.
_UNFIT = r"""\s@'`";&<>|(){}"""
_VIA = re.compile(rf"(?:([^-{_UNFIT}][^{_UNFIT}]*)@)?([^-$\\{_UNFIT}][^$\\{_UNFIT}]*)")
_NOTHING_OF_OURS = {"agent_forwarding": False, "x11_forwarding": False, "send_env": None}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """Where to go: ``alias`` is the Host of ssh's settings that are used.

    ``address`` is the host and port to connect to, None for those of the settings; ``user`` takes
    the place of theirs, and so does ``host_key_alias``, where there is an ``address``.
    """

    alias: str
    user: str | None = None
    address: tuple[str, int] | None = None
    host_key_alias: str | None = None

    def __str__(self) -> str:
        where = self.alias if self.address is None else "{} port {}".format(*self.address)
        return where if self.user is None else f"{self.user}@{where}"


def parse_via(text: str) -> Target:
    """Read [USER@]HOST; raise UsageError."""
    match = _VIA.fullmatch(text)
    if match is None or not text.isprintable():
        raise UsageError(f"{text!r} is no [USER@]HOST", "as you would say it to ssh")
    return Target(match[2], match[1])


class Connection:
    """One connection; use as a context manager, which raises NotReached.

    ``over`` is a socket that is connected to the target's address already: its door was knocked
    open, say. It is closed at the end. With ``through_us`` a target whose settings knock is
    knocked for, as ssh does; else it is gone to plainly.
    """

    def __init__(
        self, target: Target, *, through_us: bool = False, over: socket.socket | None = None
    ) -> None:
        self.target = target
        self._through_us = through_us
        self._over = over
        self._hidden = target.address is not None  # it is a pairing's port that we go to
        self._loop = asyncio.new_event_loop()
        self._connections: list[asyncssh.SSHClientConnection] = []  # jump hosts first
        self._waited_for: asyncio.Task[Any] | None = None

    def __enter__(self) -> Connection:  # noqa: PYI034  Self is of 3.11
        asyncssh.set_log_level("CRITICAL")  # what it would say, our errors say
        logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)  # as when a ProxyCommand ends
        try:
            self._connection = self._wait(self._connect())
        except Exception as error:
            self._end()
            raise self._explained(error) from error
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
        self._end()

    @property
    def settings(self) -> Settings:
        """What ssh's settings say of the target."""
        return self._settings

    @property
    def host_key(self) -> asyncssh.SSHKey | None:
        """The key by which the target showed who it is; None where it did so by Kerberos."""
        return self._connection.get_server_host_key()

    def run(self, command: str, *, stdin: bytes = b"", timeout_s: float = COMMAND_S) -> Completed:
        """Run a command line there to its end; raise NotReached when the connection breaks.

        One that ^C has interrupted here may still run there: ``finish`` waits for it.
        """
        try:
            done = self._wait(asyncio.wait_for(run(self._connection, command, stdin), timeout_s))
        except asyncio.TimeoutError as error:
            raise NotReached(f"{self.target} took longer than {timeout_s:g} s") from error
        except TooMuch as error:
            raise RemoteFailed(f"{self.target} says more than can be meant") from error
        except (asyncssh.Error, OSError) as error:
            raise self._explained(error) from error
        if done is None:  # neither an exit code nor a signal came
            raise self._explained(ConnectionResetError())
        return done

    def finish(self) -> None:
        """Wait for a command that was interrupted here, as long as it may take."""
        if self._waited_for is not None and not self._waited_for.done():
            resume(self._loop, self._waited_for)

    def upload(self, data: bytes, name: str, *, scp: bool = False) -> None:
        """Write a new private file there, in the login's folder, by SFTP or by SCP."""
        transfer = by_scp if scp else by_sftp
        try:
            self._wait(transfer(self._connection, data, name))
        except asyncio.TimeoutError as error:
            raise NotReached(f"{self.target} took longer than {TRANSFER_S:g} s") from error
        except (asyncssh.Error, OSError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise RemoteFailed(
                f"{self.target} takes no file by {'SCP' if scp else 'SFTP'}: {reason}",
                "leave --scp out, and SFTP is used" if scp else "--scp may work there",
            ) from error

    def _explained(self, error: Exception) -> SshknockError:
        pairing = self.target.alias if self._hidden else None
        return explained(error, str(self.target), pairing=pairing)

    async def _connect(self) -> asyncssh.SSHClientConnection:
        target = self.target
        hop = Hop(target.alias, target.user)
        settings = self._settings = await read(hop)
        if target.address is None:
            self._hidden = settings.goes_through_us and not self._through_us
            return await self._by_settings(hop, settings, through_us=self._through_us)
        host, port = target.address
        alias = target.host_key_alias or settings.host_key_alias
        if alias is None and settings.address == target.alias:
            alias = host  # ssh has no HostName for it
        return await self._open(
            Hop(target.alias, target.user, port),
            settings,
            host_key_alias=alias,
            sock=self._over or await _plain(self._loop, host, port),
        )

    async def _by_settings(
        self,
        hop: Hop,
        settings: Settings,
        *,
        through_us: bool = True,
        over: asyncssh.SSHClientConnection | None = None,
        way: tuple[Hop, ...] = (),
    ) -> asyncssh.SSHClientConnection:
        """Connect as the settings say: over another connection, over their jump hosts, plainly.

        With ``through_us`` a jump host that is hidden itself is knocked for, as ssh would do.
        ``way`` are the hops that are waiting for this one: a jump back to them would never end.
        """
        way = (*way, hop)
        if over is None:
            for jump in settings.jumps:
                if jump in way:
                    continue
                try:
                    over = await self._by_settings(jump, await read(jump), over=over, way=way)
                except Exception as error:
                    raise explained(error, str(jump)) from error
        plainly = over is not None or (settings.goes_through_us and not through_us)
        return await self._open(
            hop,
            settings,
            tunnel=over,
            proxy_command=None if plainly else settings.proxy_command,
            connect_timeout=CONNECT_S,
        )

    async def _open(self, hop: Hop, settings: Settings, **way: Any) -> asyncssh.SSHClientConnection:
        """Connect to one hop. Whatever decides about trust and the way there is an argument."""
        options = {"tunnel": None, "proxy_command": None, **hop.options(), **_NOTHING_OF_OURS}
        options |= {"known_hosts": settings.known_hosts, "login_timeout": LOGIN_S, **way}
        witness = Witness()
        try:
            made = await asyncssh.connect(client_factory=lambda: witness, **options)
        except asyncssh.HostKeyNotVerifiable as error:
            shown = witness.shown
            if shown is None:
                raise
            raise shown.error(str(hop), settings, way.get("host_key_alias")) from error
        self._connections.append(made)
        return made

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        task = self._loop.create_task(work)
        self._waited_for = task
        resume(self._loop, task)
        return task.result()

    def _end(self) -> None:
        """Let nothing of the loop outlive this; an interrupted call leaves tasks behind."""
        for connection in reversed(self._connections):
            connection.abort()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        with suppress(Exception):
            self._wait(_all_of(tasks))
            self._wait(_closed(self._connections))
        self._loop.close()


async def _all_of(tasks: set[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def _closed(connections: list[asyncssh.SSHClientConnection]) -> None:
    """Wait until they are gone."""
    every = asyncio.gather(*(connection.wait_closed() for connection in connections))
    await asyncio.wait_for(every, END_S)


async def _plain(loop: asyncio.AbstractEventLoop, host: str, port: int) -> socket.socket:
    """Return a connected socket. In the loop, not in a thread: ^C would have to wait for that."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            await asyncio.wait_for(loop.sock_connect(made, address), CONNECT_S)
        except (OSError, asyncio.TimeoutError) as error:
            made.close()
            failure = error if isinstance(error, OSError) else TimeoutError()
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failure or OSError(f"{host} has no address")
