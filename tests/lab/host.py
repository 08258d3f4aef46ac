"""A host of the lab: run programs on it, read and write its files, watch its wire."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, final

from tests.lab.namespaces import Namespaces, children
from tests.lab.packets import Knock
from tests.lab.wire import Capture, Shadow, Station

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended; `code` is negative for a signal, as subprocess has it."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        lines = [f"$ {shlex.join(self.argv)}", f"exit {self.code}"]
        lines += [f"{name}: {text.rstrip()}" for name, text in self._streams() if text]
        return "\n".join(lines)

    def _streams(self) -> tuple[tuple[str, str], ...]:
        return ("stdout", self.stdout), ("stderr", self.stderr)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is in the network, and where its logs go."""

    name: str
    number: int
    """The last part of its addresses."""
    ipv4: str
    ipv6: str
    mac: str
    logs: Path
    programs: Path | None
    """The folder of the installed product's programs, first on the path of whatever runs here."""


@final
class Process:
    """A program that runs on a host; as a context manager it is killed at the end."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self.popen = popen

    @property
    def pid(self) -> int:
        """The program's PID as seen from outside (nsenter, its parent, only waits for it)."""
        found = children(self.popen.pid)
        if not found:
            raise ProcessLookupError(f"{self.popen.args!r} has ended")
        return found[0]

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.popen.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """To the program alone, not to its children."""
        os.kill(self.pid, number)

    def wait(self, timeout_s: float = 20) -> int:
        """Wait for the end; the exit code."""
        return self.popen.wait(timeout=timeout_s)

    def line(self) -> str:
        """Read a line of the program's output; empty at its end."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline()

    def end(self, timeout_s: float = 20) -> Completed:
        """Wait for the end; stdout and stderr as far as they were asked for as pipes."""
        stdout, stderr = self.popen.communicate(timeout=timeout_s)
        argv = tuple(str(word) for word in self.popen.args)  # type: ignore[union-attr]
        return Completed(argv, self.popen.returncode, stdout or "", stderr or "")

    def kill(self) -> None:
        """Kill the program and all that is still in its process group, and close its streams."""
        if self.running:
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(timeout=20)
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()


class Host:
    """One machine; `root` is its file system as seen from outside (mind absolute symlinks)."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.name, self.ipv4, self.ipv6 = place.name, place.ipv4, place.ipv6
        self.namespaces = Namespaces()
        self.root = self.namespaces.root
        self.users = {"root": "/run/home/root"}
        self._started: list[Process] = []
        self._at_close = ExitStack()
        self._stations: dict[tuple[str, bool], Station] = {}
        self._make_hermetic()

    # Programs

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        check: bool = True,
        timeout_s: float = 30,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run gave it
        user: str = "root",
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run to the end.

        With `check` an exit code other than 0 is an AssertionError that shows all of it.  So is a
        program that outlasts `timeout_s`: it is killed with its process group.
        """
        stdin = subprocess.PIPE if input is not None else subprocess.DEVNULL
        with self.popen(argv, user=user, env=env, stdin=stdin) as process:
            try:
                stdout, stderr = process.popen.communicate(input, timeout=timeout_s)
            except subprocess.TimeoutExpired as error:
                what = "not done" if process.running else "ended, but its output is still held open"
                raise AssertionError(
                    f"{self.name}: {what} after {timeout_s:g} s: {_words(argv)}: "
                    f"stdout {error.stdout!r}, stderr {error.stderr!r}"
                ) from None
        done = Completed(tuple(map(str, argv)), process.popen.returncode, stdout, stderr)
        if check and done.code != 0:
            raise AssertionError(f"{self.name}: {done}")
        return done

    def popen(
        self,
        argv: Sequence[str | Path],
        *,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        stdin: int | IO[str] = subprocess.DEVNULL,
        stdout: int | IO[str] = subprocess.PIPE,
        stderr: int | IO[str] = subprocess.PIPE,
    ) -> Process:
        """Start a program in a session of its own, in the user's home, with a clean environment."""
        words = ["/usr/bin/env", f"--chdir={self.users[user]}"]
        if user != "root":
            words += ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        popen = subprocess.Popen(
            self.namespaces.enter([*words, *map(str, argv)]),
            env=self.environment(user) | dict(env or {}),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            start_new_session=True,
            cwd="/",
        )
        process = Process(popen)
        self._started.append(process)
        return process

    def environment(self, user: str = "root") -> dict[str, str]:
        """What a program sees unless told otherwise."""
        programs = f"{self.place.programs}:" if self.place.programs else ""
        return {
            "PATH": programs + SYSTEM_PATH,
            "HOME": self.users[user],
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
        }

    def processes(self, name: str | None = None) -> dict[int, str]:
        """What runs here, by PID as seen from outside: all, or the programs of one name."""
        found = {}
        for pid in self.namespaces.processes():
            try:
                comm = Path(f"/proc/{pid}/comm").read_text().strip()
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:  # it ended meanwhile
                continue
            if name in (None, comm):
                found[pid] = command.decode(errors="replace").strip()
        return found

    # Files

    def path(self, path: str) -> Path:
        """The place of one of this host's files as seen from outside."""
        return self.root / path.lstrip("/")

    def read(self, path: str) -> str:
        """Read a text file."""
        return self.path(path).read_text()

    def put(self, path: str, text: str, mode: int = 0o644, user: str = "root") -> None:
        """Write a file; folders that are missing are made (0700) and belong to the user as well."""
        target = self.path(path)
        missing = [parent for parent in target.parents if not parent.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch(mode)
        target.chmod(mode)
        target.write_text(text)
        uid, gid = self._ids(user)
        for folder in missing:
            folder.chmod(0o700)
        for made in (target, *missing):
            os.chown(made, uid, gid)

    def append(self, path: str, text: str) -> None:
        """Add to the end of a text file."""
        with self.path(path).open("a") as file:
            file.write(text)

    def add_user(self, name: str, *, shell: str = "/bin/bash") -> None:
        """An ordinary user who exists on this host only, without a password."""
        uid = 20000 + len(self.users)
        home = f"/run/home/{name}"
        self.append("/etc/passwd", f"{name}:x:{uid}:{uid}::{home}:{shell}\n")
        self.append("/etc/group", f"{name}:x:{uid}:\n")
        self.append("/etc/shadow", f"{name}:*:20000:0:99999:7:::\n")
        self.users[name] = home
        self.path(home).mkdir(mode=0o700)
        os.chown(self.path(home), uid, uid)

    # The wire

    def capture(self) -> Capture:
        """Watch everything that passes the interface, while the context lasts."""
        return Capture(self.namespaces)

    def station(self, target: Host, *, ipv6: bool = False) -> Station:
        """Raw sending to another host of the same lab."""
        key = target.name, ipv6
        if key not in self._stations:
            ends = (self.ipv6, target.ipv6) if ipv6 else (self.ipv4, target.ipv4)
            self._stations[key] = Station(self.namespaces, (self.place.mac, target.place.mac), ends)
        return self._stations[key]

    def replay(
        self, target: Host, train: Iterable[Knock], *, gap_s: float = 0.001, ipv6: bool = False
    ) -> None:
        """Send a captured train again from here."""
        self.station(target, ipv6=ipv6).send(train, gap_s=gap_s)

    def shadow(self, server: Host, victim: Host, *, delay_s: float, ipv6: bool = False) -> Shadow:
        """Repeat what `victim` sends to `server` from here, `delay_s` later, in the context."""
        address = victim.ipv6 if ipv6 else victim.ipv4
        station = self.station(server, ipv6=ipv6)
        return Shadow(server.namespaces, station, address, delay_s)

    def connects(self, address: str, port: int = 22, *, timeout_s: float = 2) -> str:
        """What a plain TCP connection gets: "open", "refused" or "silent" (no answer in time)."""
        program = (
            "import socket, sys\n"
            "try: socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]))\n"
            "except ConnectionRefusedError: print('refused')\n"
            "except TimeoutError: print('silent')\n"
            "else: print('open')\n"
        )
        python = ["/usr/bin/python3", "-ISc", program, address, str(port), str(timeout_s)]
        return self.run(python).stdout.strip()

    def close(self) -> None:
        """End all that runs here and forget all that was written."""
        for station in self._stations.values():
            station.close()
        self.namespaces.close()
        for process in self._started:
            process.kill()
        self._at_close.close()

    def at_close(self, action: Callable[[], None]) -> None:
        """Have something done when nothing runs here any more."""
        self._at_close.callback(action)

    def keep_logs(self) -> None:
        """Write what tells this host's state into its logs; never fails."""
        processes = "".join(f"{pid} {command}\n" for pid, command in self.processes().items())
        self.write_log("processes", processes)

    def write_log(self, name: str, text: str) -> None:
        """Put a file into the lab's folder of logs."""
        (self.place.logs / f"{self.name}-{name}.txt").write_text(text)

    def _ids(self, user: str) -> tuple[int, int]:
        for line in self.read("/etc/passwd").splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == user:
                return int(uid), int(gid)
        raise KeyError(user)

    def _make_hermetic(self) -> None:
        """Let nothing of the machine show through: ssh's settings, name servers, home folders."""
        passwd = self.path("/etc/passwd")
        lines = [
            line.replace(":/root:", ":/run/home/root:") if line.startswith("root:") else line
            for line in passwd.read_text().splitlines()
        ]
        passwd.write_text("\n".join(lines) + "\n")
        self.path(self.users["root"]).mkdir(mode=0o700)
        self.path("/etc/resolv.conf").unlink(missing_ok=True)
        self.put("/etc/resolv.conf", "")
        self.put("/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        self.put("/etc/ssh/ssh_config", "")


def _words(argv: Sequence[str | Path]) -> str:
    return shlex.join(map(str, argv))
