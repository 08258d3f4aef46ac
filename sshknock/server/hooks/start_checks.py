"""Whether what PAM, knockd and systemd were told to run still starts: the supervisor looks.

The supervisor itself lives in memory, where no upgrade reaches it. So it is the one to notice that
the hook is gone, and to write it into the books with what it has loaded already.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from sshknock.errors import SshknockError, SystemFault
from sshknock.server import paths
from sshknock.server.access import opened
from sshknock.server.hooks import background
from sshknock.server.hooks.child import Child, fork
from sshknock.server.installation import starts
from sshknock.server.installation.program import Program
from sshknock.server.store import Store

_PERIOD_S = 300.0
_SOONEST_S = 10.0
_PATIENCE_S = 2.0
_BROKEN = "hooks that do not start"


class StartChecks:
    """Starts every program once in a while, one after the other, and tells when that changes."""

    def __init__(
        self,
        *,
        period_s: float = _PERIOD_S,
        soonest_s: float = _SOONEST_S,
        programs: Callable[[], dict[Program, Path]] = starts.programs,
        check_trust: Callable[[Program], None] = starts.check_trust,
        tell: Callable[[list[str]], None] | None = None,
    ) -> None:
        self._period_s = period_s
        self._soonest_s = soonest_s
        self._programs = programs
        self._check_trust = check_trust
        self._tell = tell or note
        self._own = Program(Path(sys.executable), paths.HOOK_PROGRAM)
        self._begun = time.monotonic()
        self._due = self._begun + soonest_s
        self._waiting: list[tuple[Program, Path]] = []
        self._running: tuple[Child, Program, Path] | None = None
        self._broken: list[str] = []
        self._broken_programs: set[Program] = set()
        self.own_is_broken = False
        """Whether the program that the supervisor itself runs did not start, last time."""

    @property
    def deadline(self) -> float:
        """When ``step`` wants to be called at the latest, on the monotonic clock."""
        return self._due if self._running is None else self._running[0].deadline

    def hasten(self) -> None:
        """Look soon: something went wrong, or somebody asked."""
        self._due = min(self._due, max(time.monotonic(), self._begun + self._soonest_s))

    def step(self) -> None:
        """Go on as far as that is possible without waiting."""
        if self._running is None and time.monotonic() >= self._due:
            self._begin()
        while self._running is not None and self._running[0].ended():
            process, program, file = self._running
            result = process.result()
            if result.code:
                self._add(program, file, result.complaint or f"exit {result.code}")
            self._next()

    def close(self) -> None:
        """Let go of what runs."""
        if self._running is not None:
            self._running[0].abandon()

    def _begin(self) -> None:
        self._begun = time.monotonic()
        self._due = self._begun + self._period_s
        self._broken = []
        self._broken_programs = set()
        self._waiting = list(self._programs().items())
        self._next()

    def _next(self) -> None:
        self._running = None
        while self._waiting and self._running is None:
            program, file = self._waiting.pop(0)
            try:
                self._running = (fork(partial(self._become, program)), program, file)
            except OSError as error:
                self._add(program, file, f"cannot start a process: {error.strerror}")
        if self._running is None:
            self.own_is_broken = self._own in self._broken_programs
            self._tell(self._broken)

    def _become(self, program: Program) -> NoReturn:
        """Be the program's check, in a process of its own: looking at all its files takes time."""
        self._check_trust(program)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execve(program.python, program.argv(starts.CHECK), background.ENVIRONMENT)  # noqa: S606  no shell is meant
        except OSError as error:
            raise SystemFault(f"cannot start {program.python}: {error.strerror}") from error

    def _add(self, program: Program, file: Path, reason: str) -> None:
        self._broken_programs.add(program)
        self._broken.append(starts.told(file, reason.removeprefix("sshknock: ")))


def note(broken: list[str]) -> None:
    """Write into the books what does not start, and into both logs when that began or ended."""
    try:
        with opened(_PATIENCE_S) as (_, store):
            before = was_broken(store)
            if before == broken:
                return
            with store.transaction():
                store.set_meta(_BROKEN, "\n".join(broken) or None)
                if broken and not before:
                    store.record("hook-fails", int(time.time()), detail=broken[0])
                elif before and not broken:
                    store.record("hook-works", int(time.time()), detail="it starts again")
    except SshknockError as error:
        broken = [*broken, error.message] if broken else []
    for line in broken:
        background.note(line)


def was_broken(store: Store) -> list[str]:
    """Return what did not start when the supervisor last looked."""
    return (store.meta(_BROKEN) or "").splitlines()
