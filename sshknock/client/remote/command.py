"""One command on the other side: what it is given, and what it says, which is bounded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncssh

MOST_BYTES = 16 << 20
"""How much a command there may say: many times the list of ten thousand clients."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command left; ``code`` is negative for a signal."""

    code: int
    stdout: str
    stderr: str


class TooMuch(Exception):
    """A command says more than we keep."""


async def run(
    connection: asyncssh.SSHClientConnection, command: str, stdin: bytes
) -> Completed | None:
    """Run a command to its end; None when it had none. Raises asyncssh.Error and TooMuch."""
    # Without any input asyncssh would leave the other side waiting for its end.
    process: asyncssh.SSHClientProcess[bytes] = await connection.create_process(
        command,
        stdin=asyncssh.PIPE if stdin else asyncssh.DEVNULL,
        encoding=None,
        request_pty=False,
    )
    if stdin:
        process.stdin.write(stdin)
        process.stdin.write_eof()
    stdout, stderr = await asyncio.gather(_text(process.stdout), _text(process.stderr))
    await process.wait_closed()
    return None if process.returncode is None else Completed(process.returncode, stdout, stderr)


async def _text(stream: asyncssh.SSHReader[bytes]) -> str:
    """Read to the end; raise TooMuch: a server could fill our memory."""
    parts, left = [], MOST_BYTES
    while part := await stream.read(min(left + 1, 1 << 16)):
        left -= len(part)
        if left < 0:
            raise TooMuch
        parts.append(part)
    return b"".join(parts).decode(errors="replace")
