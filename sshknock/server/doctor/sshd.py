"""sshd: whether it listens where the port is hidden, and tells us of sessions."""

from __future__ import annotations

import pwd
from collections.abc import Iterator
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.config import Config, Hook
from sshknock.server.connections import ports_in_use
from sshknock.server.doctor.finding import Finding, note, ok, problem
from sshknock.server.installation import pam_file
from sshknock.server.installation.program import this_program
from sshknock.server.upkeep import INIT
from sshknock.system.processes import program, run

_NO_LOGIN = {"nologin", "false", "sync", "halt", "shutdown"}
_USERS_AT_MOST = 50


def check_port(config: Config) -> Iterator[Finding]:
    """Look whether anything listens on the hidden ports."""
    in_use = ports_in_use()
    for port in config.ports:
        if port in in_use:
            yield ok(f"Something listens on port {port}.")
        else:
            yield problem(
                f"Nothing listens on port {port}.", "is sshd running? systemctl status ssh"
            )


def check_session_hook(config: Config) -> Iterator[Finding]:
    """Look whether the server hears of sessions, in the way that was chosen."""
    if config.hook is Hook.PAM:
        yield from _check_pam()
    elif config.hook is Hook.FORCECOMMAND:
        yield from _check_forcecommand()
    else:
        yield note(
            "No hook tells of sessions (--hook none): they are counted by their connections.",
            "sshknock-server init --hook pam, where sshd uses PAM",
        )


def _check_pam() -> Iterator[Finding]:
    if pam_file.names(this_program()):
        yield ok(f"{paths.PAM_SSHD} runs this installation's hook.")
    else:
        yield problem(f"{paths.PAM_SSHD} does not run this installation's hook.", INIT)
    if _setting("usepam") == "yes":
        yield ok("sshd uses PAM.")
    else:
        yield problem(
            "sshd does not use PAM: the server hears of no session.",
            "'UsePAM yes' in sshd_config, or sshknock-server init --hook forcecommand",
        )


def _check_forcecommand() -> Iterator[Finding]:
    line = this_program().line("forcecommand")
    users = [user.pw_name for user in pwd.getpwall() if _can_log_in(user)][:_USERS_AT_MOST]
    covered = [user for user in users if _setting("forcecommand", user) == line]
    if covered:
        yield ok(f"sshd's ForceCommand runs our hook for {', '.join(covered)}.")
    else:
        yield problem(
            "No user's ForceCommand runs our hook: the server hears of no session.",
            f"'ForceCommand {line}' in a Match block of sshd_config, and reload sshd",
        )


def _can_log_in(user: pwd.struct_passwd) -> bool:
    return Path(user.pw_shell).name not in _NO_LOGIN


def _setting(name: str, user: str = "root") -> str:
    """Return a setting as sshd itself would apply it to a user; raise SystemFault."""
    who = f"user={user},host=localhost,addr=127.0.0.1"
    done = run([str(program("sshd", "openssh-server")), "-T", "-C", who])
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no word why"]
        raise SystemFault(f"sshd cannot tell its settings: {lines[0]}", "try: sshd -T")
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return value
    return ""
