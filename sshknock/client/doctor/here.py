"""This machine: the keyring, the files, ssh's configuration. Nothing is sent anywhere."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePath

from sshknock.client import config, paths, ssh_config
from sshknock.client.config import Config, Pairing
from sshknock.client.doctor.findings import Check, Finding, note, ok, problem
from sshknock.errors import SshknockError
from sshknock.system.processes import run


def keyring_failed(error: SshknockError) -> Finding:
    """Return the finding for a keyring that does not give what it was given."""
    return problem(Check.KEYRING, error.message, *([error.hint] if error.hint else []))


def files() -> Finding:
    """See that the settings and the state are the user's own, and can be written."""
    state = paths.state_dir()
    for path in (paths.config_dir(), config.config_file(), state, *_below(state)):
        wrong = _what_is_wrong(path)
        if wrong is not None:
            return problem(Check.FILES, *wrong)
    return ok(Check.FILES, "settings and state are yours alone, and can be written")


def _below(folder: Path) -> Iterator[Path]:
    """Yield what is in the state's folder, as far as we may look."""
    for top, folders, names in os.walk(folder):
        yield from (Path(top, name) for name in (*folders, *names))


def _what_is_wrong(path: Path) -> tuple[str, str] | None:
    try:
        status = path.lstat()
    except OSError:  # what is missing is made when it is needed
        return None
    if status.st_uid != os.geteuid():
        return f"{path} belongs to another user", f"sudo chown -R {os.geteuid()} {path}"
    if status.st_mode & 0o022:
        return f"others can write to {path}", f"chmod go-w {path}"
    if not os.access(path, os.W_OK):
        return f"{path} cannot be written", f"chmod u+w {path}; or is the disk read-only?"
    return None


def ssh(pairing: Pairing, known: Config) -> Iterator[Finding]:
    """Ask ssh itself whether plain ``ssh NAME`` would use the proxy, for this server."""
    program = shutil.which("ssh")
    if program is None:
        yield note(Check.SSH, "there is no ssh here")
        return
    name = pairing.name
    file = ssh_config.folder() / "config"
    argv = [program, "-G", *(("-F", str(file)) if file.exists() else ()), name]
    try:
        done = run(argv, environment={**os.environ, "LC_ALL": "C"})
    except SshknockError as error:
        yield problem(Check.SSH, error.message)
        return
    if done.returncode:
        *_, last = ["no reason given", *done.stderr.strip().splitlines()]
        yield problem(Check.SSH, f"ssh does not accept its configuration: {last}", f"mend {file}")
        return
    taken = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    yield _judged(pairing, known, taken)


def _judged(pairing: Pairing, known: Config, taken: dict[str, str]) -> Finding:
    name, write = pairing.name, f"sshknock ssh-config {pairing.name} --write"
    command = taken.get("proxycommand", "none")
    host, port = taken.get("hostname", ""), taken.get("port", "")
    words = _words(command)
    if not words or PurePath(words[0]).name != ssh_config.PROXY:
        if command == "none" and host == name:
            return note(Check.SSH, f"ssh knows no {name}, so 'ssh {name}' does not knock", write)
        return problem(
            Check.SSH,
            f"'ssh {name}' does not go through {ssh_config.PROXY}",
            write,
            f"and if that is not enough: which lines for {name} stand above the Include?",
        )
    if shutil.which(words[0]) is None:
        return problem(Check.SSH, f"there is no program {words[0]}", write)
    if host not in pairing.hosts or port != str(pairing.port):
        return problem(
            Check.SSH,
            f"'ssh {name}' goes to {host} port {port}, and the pairing is for"
            f" {pairing.host} port {pairing.port}",
            f"{write}; or 'sshknock set {name} host=HOST port=PORT'",
        )
    rivals = [
        other.name
        for other in known.pairings.values()
        if other.port == pairing.port and host in other.hosts and other.name != name
    ]
    if rivals and "--name" not in words:
        return problem(
            Check.SSH,
            f"{' and '.join([name, *rivals])} are for the same host, and the ProxyCommand does not"
            " say which one",
            write,
        )
    return ok(Check.SSH, f"'ssh {name}' goes through {ssh_config.PROXY}")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command.replace("%%", "%"))
    except ValueError:
        return []


def list_of_sequences(name: str, left: int) -> Finding:
    """Return what there is to say of a server with a stock knockd: nothing is spent on looking."""
    if left == 0:
        return problem(
            Check.STEP,
            "the server's list of sequences is used up",
            f"carry more: sshknock push {name}",
        )
    return note(
        Check.STEP,
        f"the server has a stock knockd, and sequences for {left} more logins; none was sent",
        f"does 'ssh {name}' not open it? knockd there may have ended or listen on another"
        " interface; or a firewall on the way may keep high ports or UDP from it",
        f"'sshknock push {name} --via [USER@]HOST' sees whether it runs, and how far in the list",
    )
