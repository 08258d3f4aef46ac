"""A private file for the other side, by SFTP or by SCP."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import asyncssh

TRANSFER_S = 20.0


async def by_sftp(connection: asyncssh.SSHClientConnection, data: bytes, name: str) -> None:
    """Write a new file of mode 0600, below the login's folder; raise asyncssh.Error, OSError."""
    private = asyncssh.SFTPAttrs(permissions=0o600)
    async with connection.start_sftp_client() as sftp, sftp.open(name, "xb", private) as file:
        await asyncio.wait_for(file.write(data), TRANSFER_S)


async def by_scp(connection: asyncssh.SSHClientConnection, data: bytes, name: str) -> None:
    """Do the same by the older program, which some servers have only."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.touch(0o600)
        file.write_bytes(data)
        await asyncio.wait_for(asyncssh.scp(str(file), (connection, name)), TRANSFER_S)
