"""A far server: asyncssh's, which runs no programs but answers as a test wants it to."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from sshknock.client import config
from sshknock.client.config import Pairing
from sshknock.client.state import PairingState, Store
from sshknock.protocol.counters import ClientCounters
from tests.client.conftest import PAIRING_ID, SECRET
from tests.client.door import HOST, PARAMETERS

T = TypeVar("T")
Reply = tuple[int, str, str]
Answer = Callable[[list[str], str], Reply | None]
"""Answers a command line, without its ``env``, and its standard input; None: never."""


class _Forwarding(asyncssh.SSHServer):
    """Lets connections through to where they want to go, as a jump host does."""

    def connection_requested(self, *_: object) -> bool:
        """Allow it."""
        return True


class FarServer:
    """Listens on the loopback, lets one key in, and notes what it was asked to run."""

    def __init__(self, home: Path, answer: Answer) -> None:
        self.commands: list[list[str]] = []
        self.inputs: list[str] = []
        self.asked = threading.Event()
        self._answer = answer
        self._folder = home / ".ssh"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> FarServer:  # noqa: PYI034  Self is of 3.11
        self._thread.start()
        self._listener = self._wait(self._listen())
        self.port = self._listener.get_port()
        self.trust(f"[{HOST}]:{self.port}")
        return self

    def trust(self, *names: str) -> None:
        """Let known_hosts know our key by these names, and by no other."""
        known = "".join(f"{name} {self._host_key}\n" for name in names)
        (self._folder / "known_hosts").write_text(known)

    def vanish(self) -> None:
        """Break the connection off; to be called by what answers."""
        self._last.abort()

    def configure(self, text: str) -> None:
        """Write ssh's settings; ``@`` stands for the lines that lead to us."""
        here = f"    HostName {HOST}\n    Port {self.port}\n"
        (self._folder / "config").write_text(text.replace("@\n", here))

    def __exit__(self, *_: object) -> None:
        self._wait(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pair(self, *, host: str = HOST, confirmed: int = -1, sent: int = -1) -> Store:
        """Make a pairing for this server, in the file keyring."""
        pairing = Pairing("box", (host,), self.port, "file", PAIRING_ID)
        with config.changing() as known:
            known.pairings["box"] = pairing
        store = Store(pairing)
        counters = ClientCounters(confirmed, sent)
        state = PairingState(PAIRING_ID, SECRET, PARAMETERS, counters=counters)
        store.save(state)
        return store

    async def _listen(self) -> asyncssh.SSHAcceptor:
        ours, theirs = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        ours.write_private_key(self._folder / "id_ed25519")
        self._host_key = theirs.export_public_key().decode().strip()
        allowed = ours.export_public_key().decode()
        return await asyncssh.listen(
            HOST,
            0,
            server_host_keys=[theirs],
            authorized_client_keys=asyncssh.import_authorized_keys(allowed),
            process_factory=self._serve,
            server_factory=_Forwarding,
        )

    async def _serve(self, process: asyncssh.SSHServerProcess[str]) -> None:
        self._last = process.get_extra_info("connection")
        words = shlex.split(process.command or "")
        if words[:2] == ["env", "LC_ALL=C"]:
            del words[:2]
        self.commands.append(words)
        self.inputs.append(await process.stdin.read())
        self.asked.set()
        reply = self._answer(words, self.inputs[-1])
        if reply is None:
            await process.wait_closed()
            return
        code, stdout, stderr = reply
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(code)

    async def _shut(self) -> None:
        self._listener.close()
        await self._listener.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)
