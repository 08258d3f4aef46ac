"""Who starts and stops a knockd: systemd with instances of a template unit, or we ourselves."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sshknock.errors import SystemFault
from sshknock.server import paths, proc
from sshknock.server.config import Service
from sshknock.system.processes import ENVIRONMENT, program, run

_DEFAULT_CONF = "/etc/knockd.conf"  # knockd(1)
_FIRST_LINES = 4096
UNIT = "sshknock-knockd@{name}.service"


@dataclass(frozen=True, slots=True)
class Instance:
    """One knockd process and its files, by a short name."""

    name: str

    @property
    def conf(self) -> Path:
        """The file that it reads; it is not changed while the process lives."""
        return paths.KNOCKD_RUN / f"{self.name}.conf"

    @property
    def log(self) -> Path:
        """What it writes."""
        return paths.KNOCKD_RUN / f"{self.name}.log"

    @property
    def options(self) -> Path:
        """Its options, as an environment file of systemd."""
        return paths.KNOCKD_RUN / f"{self.name}.env"

    @property
    def pid_file(self) -> Path:
        """Its process id and start time, where we started it ourselves."""
        return paths.KNOCKD_RUN / f"{self.name}.pid"


class Launcher(Protocol):
    """Starts and stops knockd processes."""

    def start(self, instance: Instance, options: list[str]) -> None:
        """Start a process on the instance's file."""

    def stop(self, instance: Instance) -> None:
        """End the process, if it runs."""

    def pid(self, instance: Instance) -> int | None:
        """Return the running process's id."""


class OwnLauncher:
    """Starts knockd as a process of nobody: pid files under /run/sshknock."""

    def start(self, instance: Instance, options: list[str]) -> None:
        """Start knockd in a session of its own, with its log as its only open files."""
        argv = [str(program("knockd", "knockd")), "-v", *options, "-c", str(instance.conf)]
        try:
            descriptor = os.open(instance.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as log:
                # Kept for it: without it knockd would start, and never be heard to listen.
                os.posix_fallocate(log.fileno(), 0, _FIRST_LINES)
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=ENVIRONMENT,
                    start_new_session=True,
                )
            with suppress(OSError):  # a container may not: then it is as nice as we are
                os.setpriority(os.PRIO_PROCESS, process.pid, 0)  # it matches at once
            process.returncode = 0  # it outlives us: no warning when this object goes
            instance.pid_file.write_text(f"{process.pid} {proc.started(process.pid)}\n")
        except OSError as error:
            raise SystemFault(f"cannot start knockd: {error}") from error

    def stop(self, instance: Instance) -> None:
        """Send SIGTERM; knockd waits for the commands that it runs."""
        pid = self.pid(instance)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def pid(self, instance: Instance) -> int | None:
        """Return the process of the pid file, if it is still that one.

        A start that was killed left no pid file: then it is looked for by its command line.
        """
        try:
            pid, started = (int(field) for field in instance.pid_file.read_text().split())
        except (OSError, ValueError):
            found = running_on(instance.conf) if instance.conf.exists() else []
            return found[0] if found else None
        _reap(pid)
        return pid if proc.started(pid) == started else None


class SystemdLauncher:
    """Lets systemd run knockd: what a hook forks dies with the old unit, a unit does not."""

    def start(self, instance: Instance, options: list[str]) -> None:
        """Start an instance of the template unit."""
        instance.options.write_text(f'KNOCKD_OPTIONS="{" ".join(options)}"\n')
        self._systemctl("start", instance)

    def stop(self, instance: Instance) -> None:
        """Stop the instance of the template unit; one that was killed counts as failed no more."""
        self._systemctl("stop", instance)
        run([_systemctl_path(), "reset-failed", _unit(instance)])

    def pid(self, instance: Instance) -> int | None:
        """Return the unit's main process."""
        argv = [_systemctl_path(), "show", "-p", "MainPID", "--value", _unit(instance)]
        text = run(argv).stdout.strip()
        return int(text) if text.isdecimal() and int(text) else None

    def _systemctl(self, verb: str, instance: Instance) -> None:
        done = run([_systemctl_path(), verb, _unit(instance)], timeout_s=30)
        if done.returncode:
            raise SystemFault(
                f"systemd could not {verb} {_unit(instance)}",
                f"see 'systemctl status {_unit(instance)}'",
            )


def running_on(config: Path) -> list[int]:
    """Return the knockd processes of our network that read this file."""
    here = _network("self")
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        pid = path.parent.name
        try:
            program_name, *arguments = path.read_text(errors="replace").split("\0")
        except (OSError, ValueError):
            continue
        if Path(program_name).name == "knockd" and _network(pid) == here:
            chosen = arguments[arguments.index("-c") + 1] if "-c" in arguments else _DEFAULT_CONF
            if chosen == str(config):
                found.append(int(pid))
    return found


def _network(pid: str) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return None


def launcher(service: Service) -> Launcher:
    """Return the launcher of a kind of service."""
    return SystemdLauncher() if service is Service.SYSTEMD else OwnLauncher()


def _unit(instance: Instance) -> str:
    return UNIT.format(name=instance.name)


def _systemctl_path() -> str:
    return str(program("systemctl", "systemd"))


def _reap(pid: int) -> None:
    """Collect the process if it was our child and ended: a zombie looks alive to others."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
