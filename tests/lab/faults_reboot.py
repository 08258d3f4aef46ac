"""Reboots and backups: what a machine keeps of itself, and what it does not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.lab.client import Client
from tests.lab.faults_victims import kill
from tests.lab.server import Server
from tests.lab.waiting import eventually

BOOKS = "/var/lib/sshknock"
CLIENT_STATE = "/run/home/root/.local/state/sshknock"


def power_off(server: Server) -> None:
    """End every process at once, empty the kernel's tables and /run; files elsewhere stay."""
    eventually(lambda: not kill(server.namespaces.processes()), "nothing runs any more")
    server.run(["nft", "flush", "ruleset"])
    shutil.rmtree(server.path("/run/sshknock"), ignore_errors=True)


def power_on(server: Server) -> None:
    """Do what the units do: hide the port before the network is up, then sshd, then the rest."""
    server.run(["sshknock-hook", "boot"])
    server.start_sshd()
    server.sshknock("reconcile")


def backup(host: Server | Client) -> Callable[[], None]:
    """Copy a side's state; return what puts the copy in its place again."""
    folder = BOOKS if isinstance(host, Server) else CLIENT_STATE
    copy = host.place.logs / f"{host.name}-backup"
    number = sum(1 for _ in host.place.logs.glob(f"{copy.name}*"))
    kept = _copied(host.path(folder), copy.with_name(f"{copy.name}-{number}"))

    def restore() -> None:
        shutil.rmtree(host.path(folder))
        _copied(kept, host.path(folder))

    return restore


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    target.chmod(0o700)
    return target
