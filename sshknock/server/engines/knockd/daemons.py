"""Our knockd processes: a new one beside the old one, verified, and the old one retired.

knockd cannot reload safely: SIGHUP loses the attempts in flight, crashes under traffic, and ends
the daemon when the file does not parse. So a changed file means a new process, each on a file of
its own that never changes. For a while both listen, and the kernel's tickets see to it that a door
opens once. The old one goes when no attempt that it saw the beginning of can still finish.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.protocol.knocks import Knock
from sshknock.server import paths
from sshknock.server.config import Service
from sshknock.server.engines.knockd import conf_file, guard
from sshknock.server.engines.knockd.launch import Instance, Launcher, OwnLauncher, launcher
from sshknock.server.engines.knockd.sections import SEQ_TIMEOUT_S
from sshknock.system.files import write_private

_START_S = 30.0
_GUARD_S = 2.0
_POLL_S = 0.005
_TRIES = 3
_RETIRED_AT_MOST = 6
_LOG_LONGEST = 1 << 20
_LISTENING = "listening on "
_STAGE = ": Stage "
_GUARDED = f": sshknock-guard{_STAGE}1"
_CURRENT = "current"
_ADMINISTRATOR = Instance("administrator")


class Daemons:
    """The knockd processes of this host, by their files under /run/sshknock/knockd."""

    def __init__(self, service: Service, interface: str, *, ipv4_only: bool) -> None:
        self._launcher: Launcher = launcher(service)
        self._interface = interface
        self._options = ["-i", interface, *(["-4"] if ipv4_only else [])]

    def serves(self, text: str) -> bool:
        """Tell whether the current process runs, on exactly this configuration.

        One whose log has grown long does not count: knockd writes a line for every stray knock.
        """
        current = self._current()
        return self.reads(text) and current is not None and _size(current.log) < _LOG_LONGEST

    def reads(self, text: str) -> bool:
        """Tell whether the current process runs on this configuration, whatever its log."""
        current = self._current()
        return current is not None and self.is_running() and _read(current.conf) == text

    def is_running(self) -> bool:
        """Tell whether the current process runs, whatever its configuration."""
        current = self._current()
        return current is not None and self._launcher.pid(current) is not None

    def has_ended(self) -> bool:
        """Tell whether the current process ended by itself, or was killed: its files are there."""
        return self._current() is not None and not self.is_running()

    def since_replacement_s(self) -> float | None:
        """Return how long ago the running process took over; None when none runs."""
        current = self._current()
        if current is None or self._launcher.pid(current) is None:
            return None
        return time.time() - current.conf.stat().st_mtime

    def replace(self, text: str, guard_knock: Knock) -> None:
        """Start a process on this configuration and verify it; then the old one is retired.

        Raises SystemFault when the new one does not come to listen; the old one then goes on.
        """
        paths.KNOCKD_RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in reversed(range(_TRIES)):
            instance = self._start(text)
            if self._guarded(instance, guard_knock) or not left:
                break
            self._discard(instance)
        old = self._current()
        write_private(paths.KNOCKD_RUN / _CURRENT, instance.name.encode())
        if old is not None:
            self._retire_after(old, SEQ_TIMEOUT_S)

    def end_retired(self) -> float | None:
        """End the old processes whose time has come; return the seconds until the next one."""
        now = time.monotonic()
        due = sorted((_retires_at(instance), instance) for instance in self._retired())
        too_many = max(0, len(due) - _RETIRED_AT_MOST)
        for n, (at, instance) in enumerate(due):
            if at <= now or n < too_many:
                self._discard(instance)
        waiting = [at - now for at, instance in due if instance.conf.exists()]
        return max(0.0, min(waiting)) if waiting else None

    def run_administrators(self, text: str | None) -> None:
        """Run the administrator's own sections in a process of their own; None runs none.

        Unlike ours, the old process ends before the new one starts: his commands must not run
        twice.
        """
        running = self._launcher.pid(_ADMINISTRATOR) is not None
        if running and text is not None and _read(_ADMINISTRATOR.conf) == text:
            return
        if _ADMINISTRATOR.conf.exists():
            self._discard(_ADMINISTRATOR)
        if text is not None:
            paths.KNOCKD_RUN.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(_ADMINISTRATOR.conf, conf_file.encode(text))
            options = [] if _names_interface(text) else ["-i", self._interface]
            self._launcher.start(_ADMINISTRATOR, options)
            self._wait_until_listening(_ADMINISTRATOR)

    def stop(self) -> None:
        """End all of our processes and remove their files."""
        for instance in (*_instances(), _ADMINISTRATOR):
            self._discard(instance)
        (paths.KNOCKD_RUN / _CURRENT).unlink(missing_ok=True)

    def _current(self) -> Instance | None:
        name = _read(paths.KNOCKD_RUN / _CURRENT)
        return Instance(name) if name else None

    def _retired(self) -> list[Instance]:
        current = self._current()
        return [instance for instance in _instances() if instance != current]

    def _start(self, text: str) -> Instance:
        numbers = [int(instance.name) for instance in _instances()]
        instance = Instance(str(max(numbers, default=0) + 1))
        write_private(instance.conf, text.encode())
        try:
            self._launcher.start(instance, self._options)
            self._wait_until_listening(instance)
        except SystemFault:
            self._discard(instance)
            raise
        return instance

    def _wait_until_listening(self, instance: Instance) -> None:
        deadline = time.monotonic() + _START_S
        while _LISTENING not in _said(instance):
            if not instance.log.exists():  # nobody would ever hear it
                raise SystemFault(f"{instance.log} was removed while knockd started")
            if self._launcher.pid(instance) is None:
                raise SystemFault(
                    f"knockd does not start: {_first_line(_said(instance))}",
                    "the doors that were open stay as they are",
                )
            if time.monotonic() > deadline:
                raise SystemFault("knockd does not come to listen", "is the machine overloaded?")
            time.sleep(_POLL_S)

    def _guarded(self, instance: Instance, knock: Knock) -> bool:
        """Send the guard's frame and tell whether it became the head of knockd's list."""
        if not guard.send(self._interface, knock.port):
            return True  # there is nothing to send it to, and trying again changes nothing
        deadline = time.monotonic() + _GUARD_S
        while time.monotonic() < deadline:
            stages = [line for line in _said(instance).splitlines() if _STAGE in line]
            if stages:
                return _GUARDED in stages[0]
            time.sleep(_POLL_S)
        return False

    def _retire_after(self, instance: Instance, seconds: float) -> None:
        with suppress(OSError):  # without it the process goes at the next opportunity
            _retirement(instance).write_text(repr(time.monotonic() + seconds))

    def _discard(self, instance: Instance) -> None:
        self._launcher.stop(instance)
        deadline = time.monotonic() + SEQ_TIMEOUT_S
        while self._launcher.pid(instance) is not None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        files = (instance.conf, instance.log, instance.options, instance.pid_file)
        for path in (*files, _retirement(instance)):
            path.unlink(missing_ok=True)


def watched_pids() -> list[int]:
    """Return the processes that we started ourselves and must notice the end of."""
    own = OwnLauncher()
    name = _read(paths.KNOCKD_RUN / _CURRENT)
    watched = [_ADMINISTRATOR, *([Instance(name)] if name else [])]
    return [pid for pid in map(own.pid, watched) if pid is not None]


def _instances() -> list[Instance]:
    names = (path.stem for path in paths.KNOCKD_RUN.glob("*.conf"))
    return [Instance(name) for name in names if name.isdecimal()]


def _retirement(instance: Instance) -> Path:
    return paths.KNOCKD_RUN / f"{instance.name}.retires"


def _retires_at(instance: Instance) -> float:
    try:
        return float(_retirement(instance).read_text())
    except (OSError, ValueError):
        return 0.0  # left over from a process that was killed while it replaced


def _read(path: Path) -> str | None:
    try:
        return conf_file.decode(path.read_bytes())
    except OSError:
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _said(instance: Instance) -> str:
    """Return what a process has written; the room that was kept for more is empty."""
    return (_read(instance.log) or "").rstrip("\0")


def _first_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "it says nothing"


def _names_interface(text: str) -> bool:
    lines = (line.strip().lower() for line in text.splitlines())
    return any(line.partition("=")[0].strip() == "interface" for line in lines)
