"""What has to stand besides the table, the books and the doors, and may fall unnoticed.

An upgrade of Python or of this package can move the files that PAM and systemd were told to run.
"""

from __future__ import annotations

from sshknock.server import paths
from sshknock.server.config import Config, Hook, Service
from sshknock.server.hooks import start_checks, watch
from sshknock.server.installation import pam_file, starts, systemd
from sshknock.server.installation.program import this_program
from sshknock.server.store import Store


def keep_supervised(config: Config) -> None:
    """See to it that a supervisor runs, where we start it ourselves; raises SystemFault."""
    if config.service is Service.OWN:
        watch.ensure_running()


def complaints(config: Config, store: Store) -> list[str]:
    """Return what is not as ``init`` left it, a line each; running init again mends it all.

    Hooks are started once more only when the supervisor found one that did not: that takes time.
    """
    program = this_program()
    found = []
    if config.hook is Hook.PAM and not pam_file.names(program):
        found.append(f"{paths.PAM_SSHD} does not run this installation's hook")
    if config.service is Service.SYSTEMD and not systemd.are_current(program):
        found.append("the systemd units are not those of this installation")
    if config.service is Service.OWN and watch.running_pid() is None:
        found.append("no supervisor runs")
    if start_checks.was_broken(store):
        found += starts.broken()
    return found
