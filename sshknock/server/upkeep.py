"""What has to stand besides the table, the books and the doors, and may fall unnoticed.

An upgrade of Python or of this package can move the files that PAM and systemd were told to run.
"""

from __future__ import annotations

from dataclasses import dataclass

from sshknock.server import paths
from sshknock.server.config import Config, Hook, Service
from sshknock.server.hooks import start_checks, watch
from sshknock.server.installation import pam_file, starts, systemd
from sshknock.server.installation.program import this_program
from sshknock.server.store import Store

INIT = "sshknock-server init"
RECONCILE = "sshknock-server reconcile"


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that is not as it should be, and the command that mends it."""

    what: str
    remedy: str


def keep_supervised(config: Config) -> None:
    """See to it that a supervisor runs, where we start it ourselves; raises SystemFault."""
    if config.service is Service.OWN:
        watch.ensure_running()


def bring_supervisor_back(config: Config) -> None:
    """See to it that a supervisor runs, whoever starts it; raises SystemFault.

    For the administrator's commands: a hook must not start a unit that was stopped on purpose.
    """
    keep_supervised(config)
    if config.service is Service.SYSTEMD and watch.running_pid() is None:
        systemd.start()
        watch.await_running()


def complaints(config: Config, store: Store) -> list[Complaint]:
    """Return what is not as ``init`` left it.

    Hooks are started once more only when the supervisor found one that did not: that takes time.
    """
    program = this_program()
    found = []
    if config.hook is Hook.PAM and not pam_file.names(program):
        found.append(Complaint(f"{paths.PAM_SSHD} does not run this installation's hook", INIT))
    if config.service is Service.SYSTEMD and not systemd.are_current(program):
        found.append(Complaint("the systemd units are not those of this installation", INIT))
    if watch.running_pid() is None:
        found.append(Complaint("no supervisor runs", RECONCILE))
    if start_checks.was_broken(store):
        found += [Complaint(line, INIT) for line in starts.broken()]
    return found
