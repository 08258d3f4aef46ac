"""An nft of a host's own that is slow or broken, and a server on which nobody else calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab import Server, eventually
from tests.lab.faults_victims import hooks, paused, supervisors

NFT = "/usr/sbin/nft"
REAL = "/run/nft-real"
GO = "/run/nft.go"
"""The file that lets those that wait go on."""
CHANGES = 'case "$*" in "-f -") {};; esac'
"""What our changes of the table are called with; knockd's commands are not."""
WAITING = CHANGES.format(
    "n=1; until mkdir /run/nft.$n 2>/dev/null; do n=$((n+1)); done;"
    f" until [ -e {GO} ]; do sleep 0.05; done"
)
"""The nth of them makes a folder /run/nft.n, and waits until all may go on."""


@contextmanager
def nft_that(server: Server, does_first: str) -> Iterator[None]:
    """Let nft do something before its work while the context lasts."""
    server.run(["cp", NFT, REAL])
    server.put("/run/nft-other", f'#!/bin/sh\n{does_first}\nexec {REAL} "$@"\n', 0o755)
    server.run(["mount", "--bind", "/run/nft-other", NFT])
    try:
        yield
    finally:
        server.put(GO, "")
        server.run(["umount", "--lazy", NFT])


@contextmanager
def nobody_else(server: Server) -> Iterator[None]:
    """Let nothing of ours look at the table but what the test starts, and what a knock starts."""
    eventually(lambda: supervisors(server) and not hooks(server), "all is calm")
    with paused(supervisors(server)):
        yield
