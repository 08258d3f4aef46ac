"""Faults without a line in the product: strace kills or fails a real process at a system call.

A run is first watched, which gives its steps: the system calls by which it changes something that
outlives it. Then the same run is made again, once a step, and the kernel ends it on the way into
that very call: whatever came before has happened, the call and all after it have not.
"""

from __future__ import annotations

import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.lab.host import Host
from tests.lab.waiting import eventually

LOG = "/run/faults.log"
"""Where strace writes, on the host whose program it runs."""

SAVING = (
    *("openat", "mkdir", "write", "pwrite64", "ftruncate", "fchmod", "fsync", "fdatasync"),
    *("rename", "unlink", "rmdir", "chown", "flock", "vfork", "connect", "sendto"),
)
"""What changes a file, takes a lock, starts a program or sends something."""

_CALL = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>\w+)\((?P<arguments>.*)", re.ASCII)
_REFUSED = re.compile(r"attach: ptrace\(\w+, (?P<pid>\d+)\)", re.ASCII)
_KILLED = "killed by SIGKILL"
_INJECTED = "(INJECTED)"


@dataclass(frozen=True, slots=True)
class Step:
    """A system call of a run: which one, and which of its kind in that process, from 1."""

    call: str
    nth: int

    def killed(self) -> list[str]:
        """Return strace's options to end a process on the way into this call."""
        return [f"--trace={self.call}", f"--inject={self.call}:signal=SIGKILL:when={self.nth}"]

    def __str__(self) -> str:
        return f"{self.call} {self.nth}"


def watched() -> list[str]:
    """Return strace's options to write down all steps and to disturb none."""
    return [f"--trace={','.join(SAVING)}"]


def failing(calls: Iterable[str], error: str, *, nth: str = "1+") -> list[str]:
    """Return strace's options to let calls fail with an error; ``nth`` is written as it has it."""
    names = ",".join(calls)
    return [f"--trace={names}", f"--inject={names}:error={error}:when={nth}"]


def under(options: list[str], *argv: str) -> list[str]:
    """Return the command line of a program, without its children, under strace.

    The program keeps its process number and its parent (``-D``): ssh finds its helper.
    """
    return ["strace", "-D", "-q", "-o", LOG, *options, *argv]


def settled(host: Host) -> str:
    """Wait until the program under strace has ended; return what strace wrote."""
    eventually(lambda: not host.processes("strace"), "the program under strace ends", timeout_s=60)
    return host.read(LOG)


@contextmanager
def attached(pids: Iterable[int], options: list[str], log: Path) -> Iterator[None]:
    """Have strace look over running processes and all that they start, while the context lasts.

    Afterwards they go on undisturbed. ``pids`` are as seen from outside, and so is ``log``.
    """
    wanted = [f"--attach={pid}" for pid in pids]
    with subprocess.Popen(
        ["/usr/bin/strace", "-f", "-o", str(log), *options, *wanted],
        stderr=subprocess.PIPE,
        text=True,
    ) as tracer:
        try:
            assert tracer.stderr is not None
            for _ in wanted:
                line = tracer.stderr.readline()
                assert "attached" in line or _has_ended(line), line
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.stderr.read() if tracer.stderr else None
            tracer.wait(timeout=20)


def _has_ended(refusal: str) -> bool:
    """Tell whether strace could not attach for the process is no more, reaped or not yet."""
    match = _REFUSED.search(refusal)
    if match is None:
        return False
    try:
        return "(zombie)" in Path(f"/proc/{match['pid']}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def struck(log: str) -> bool:
    """Tell whether a fault came to be."""
    return _KILLED in log or _INJECTED in log


def steps(log: str) -> list[Step]:
    """Return the steps of a watched run, or of several processes each, in their order.

    Of a row of equal calls (the pages that SQLite writes into its journal, a relayed session) only
    the first and the last count. Files that are only read are left out.
    """
    by_process: dict[str, list[Step]] = defaultdict(list)
    seen: Counter[tuple[str, str]] = Counter()
    for line in log.splitlines():
        match = _CALL.match(line)
        if match is None or match["name"] not in SAVING:
            continue
        pid, name = match["pid"] or "", match["name"]
        seen[pid, name] += 1
        if name != "openat" or "O_CREAT" in match["arguments"]:
            by_process[pid].append(Step(name, seen[pid, name]))
    found: dict[Step, None] = {}
    for own in by_process.values():
        for _, row in groupby(own, key=lambda step: step.call):
            first, *others = row
            found |= dict.fromkeys((first, *others[-1:]))
    return list(found)
