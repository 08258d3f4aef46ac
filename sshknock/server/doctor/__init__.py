"""``sshknock-server doctor``: what is wrong with this server, and what to do about it.

A check is a small function that looks at one thing and changes nothing.

finding       what a check returns
books         the books, room on the disk, the clock
hiding        the port, our table, other tables
other_tables  what the rules of others do with a connection
engine        knockd and its file
programs      the supervisor, hooks, whose files they are
sshd          the port's listener, PAM or ForceCommand
network       the interface and its addresses
"""

from __future__ import annotations

from collections.abc import Iterator

from sshknock.errors import SshknockError
from sshknock.server import config as settings
from sshknock.server.doctor import books, engine, hiding, network, programs, sshd
from sshknock.server.doctor.finding import Check, Finding, Level, ok, problem

__all__ = ["CHECKS", "Finding", "Level", "examine"]

CHECKS: dict[str, Check] = {
    "books": books.check_books,
    "room": books.check_room,
    "clock": books.check_clock,
    "interface": network.check_interface,
    "port": hiding.check_port,
    "engine": engine.check_listening,
    "knockd.conf": engine.check_file,
    "supervisor": programs.check_supervisor,
    "hooks": programs.check_hooks,
    "trust": programs.check_trust,
    "sshd": sshd.check_port,
    "sessions": sshd.check_session_hook,
    "hosts": network.check_hosts,
    "other tables": hiding.check_other_tables,
    "saved rules": hiding.check_saved_rulesets,
    "iptables": hiding.check_legacy_tables,
}


def examine() -> Iterator[tuple[str, Finding]]:
    """Yield what is found, each with the name of its check; without settings there is no other."""
    try:
        config = settings.load()
    except SshknockError as error:
        yield "settings", _failure(error)
        return
    yield "settings", ok("The settings can be read.")
    for name, check in CHECKS.items():
        try:
            for finding in check(config):
                yield name, finding
        except SshknockError as error:
            yield name, _failure(error)


def _failure(error: SshknockError) -> Finding:
    message = f"{error.message[:1].upper()}{error.message[1:]}."
    return problem(message, error.hint or "sshknock-server reconcile")
