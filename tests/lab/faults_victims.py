"""The processes of a pair by their part in a login, to be killed in the midst of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.lab import Host
from tests.lab.conftest import Pair

HOOK = "hook.py"
SUPERVISOR = "hook.py watch"


def supervisors(server: Host) -> list[int]:
    """Return the supervisor's process, if it runs."""
    return _lines_with(server, SUPERVISOR)


def hooks(server: Host) -> list[int]:
    """Return the hooks that are at work, the supervisor left out."""
    return sorted(set(_lines_with(server, HOOK)) - set(supervisors(server)))


VICTIMS: Mapping[str, Callable[[Pair], list[int]]] = {
    "helper": lambda pair: list(pair.laptop.processes("sshknock-proxy")),
    "ssh": lambda pair: list(pair.laptop.processes("ssh")),
    "hook": lambda pair: hooks(pair.server),
    "knockd": lambda pair: list(pair.server.processes("knockd")),
    "supervisor": lambda pair: supervisors(pair.server),
    "server tool": lambda pair: _lines_with(pair.server, "sshknock-server"),
    "nft": lambda pair: list(pair.server.processes("nft")),
    "sshd": lambda pair: _lines_with(pair.server, "sshd: root"),
}
"""Who can be killed, by the word for it, and where such processes are now."""


def kill(pids: list[int]) -> int:
    """SIGKILL; return how many were still there."""
    killed = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


@contextmanager
def paused(pids: list[int]) -> Iterator[None]:
    """Let processes stand still while the context lasts."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _lines_with(host: Host, words: str) -> list[int]:
    return [pid for pid, line in host.processes().items() if words in line]
