"""What runs as root: the supervisor, the units, the hooks, and whose files they are."""

from __future__ import annotations

from collections.abc import Iterator

from sshknock.server.config import Config, Hook, Service
from sshknock.server.doctor.finding import Finding, ok, problem
from sshknock.server.hooks import watch
from sshknock.server.installation import starts, systemd, trust
from sshknock.server.installation.program import this_program
from sshknock.server.upkeep import INIT, RECONCILE
from sshknock.system.processes import program, run


def check_supervisor(config: Config) -> Iterator[Finding]:
    """Look whether somebody looks after knockd, the table and the sessions."""
    pid = watch.running_pid()
    if pid is None:
        yield problem("No supervisor runs: what ends is not noticed.", RECONCILE)
    else:
        yield ok(f"The supervisor runs (pid {pid}).")
    if config.service is not Service.SYSTEMD:
        return
    if not systemd.are_current(this_program()):
        yield problem("The systemd units are not those of this installation.", INIT)
    systemctl = str(program("systemctl", "systemd"))
    for unit in (systemd.BOOT, systemd.WATCH):
        if run([systemctl, "is-enabled", "--quiet", unit]).returncode:
            yield problem(f"{unit} is not enabled: after a reboot it does not start.", INIT)
        else:
            yield ok(f"{unit} is enabled.")


def check_hooks(_config: Config) -> Iterator[Finding]:
    """Start every program that PAM, knockd and systemd were told to run."""
    broken = starts.broken()
    for line in broken:
        yield problem(f"{line[:1].upper()}{line[1:]}.", INIT)
    if not broken:
        yield ok("The hooks that PAM, knockd and systemd run do start.")


def check_trust(config: Config) -> Iterator[Finding]:
    """Look whether nobody but root can change what root runs; raises NotTrusted."""
    trust.check(for_users=config.hook is Hook.FORCECOMMAND)
    yield ok("Only root can change the program.")
