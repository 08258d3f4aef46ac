"""``enroll --inventory``: many servers in one go."""

from __future__ import annotations

from contextlib import suppress

import click

from sshknock.client import config, ssh_config
from sshknock.client.cli.several import do_all
from sshknock.client.enroll import check_ready
from sshknock.client.enrolment.order import Order
from sshknock.client.fleet.inventory import read
from sshknock.client.fleet.work import enrolling
from sshknock.errors import UsageError
from sshknock.records import record


@record
class ForAll:
    """What is the same for all servers of an inventory; the words are those of ``Order``."""

    keyring: str
    called: str | None
    install: bool
    trial_s: int
    yes: bool
    block: bool

    def order(self, name: str, via: str) -> Order:
        """Return the order for one server; its block is written at the end, with all others."""
        return Order(
            name,
            via,
            called=self.called,
            keyring=self.keyring,
            install=self.install,
            trial_s=self.trial_s,
            yes=self.yes,
            block=False,
        )


def enroll_all(where: str, for_all: ForAll, *, jobs: int, as_json: bool) -> int:
    """Enrol the servers of an inventory and write their Host blocks; return the exit code."""
    entries = read(where)
    with suppress(UsageError):  # a name that is taken is that server's trouble
        check_ready(entries[0].name, for_all.keyring)
    tasks = [enrolling(for_all.order(entry.name, entry.via)) for entry in entries]
    try:
        return do_all(
            "enroll",
            "enrolled",
            tasks,
            jobs=jobs,
            as_json=as_json,
            left="the same command again does what is left, and no more",
        )
    finally:
        if for_all.block:
            _write_blocks([entry.name for entry in entries])


def _write_blocks(names: list[str]) -> None:
    with config.held() as known:
        lacking = [n for n in names if n in known.pairings and n not in ssh_config.written()]
        if lacking:
            path = ssh_config.write(lacking, known)
            click.echo(f"wrote {path}: ssh knocks for them", err=True)
