"""A process is its number and its start: a number that was given again is another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from sshknock.server import proc
from tests.lab.waiting import eventually


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives until the test ends it."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_the_start_of_a_process(sleeper: subprocess.Popen[bytes]) -> None:
    """It lies between ours and now, and its parent is us."""
    ours, its = proc.started(os.getpid()), proc.started(sleeper.pid)
    assert ours is not None
    assert its is not None
    assert ours <= its
    assert proc.parent(sleeper.pid) == os.getpid()


def test_a_name_cannot_pretend() -> None:
    """A program that calls itself ') Z 1 1 (' still has its own start and parent."""
    program = "open('/proc/self/comm', 'w').write(') Z 1 1 ('); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-ISc", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert proc.parent(process.pid) == os.getpid()
        assert proc.started(process.pid) is not None


def test_no_process_has_no_start(sleeper: subprocess.Popen[bytes]) -> None:
    """Neither one that is gone nor one that ended and is not yet waited for."""
    sleeper.kill()
    eventually(lambda: proc.started(sleeper.pid) is None, "the zombie counts as gone")
    sleeper.wait()
    assert proc.started(sleeper.pid) is None
    assert proc.parent(sleeper.pid) == 0


def test_another_process_of_the_same_number_is_not_held(sleeper: subprocess.Popen[bytes]) -> None:
    """The start is compared after the descriptor was opened."""
    start = proc.started(sleeper.pid)
    assert start is not None
    assert proc.handle(sleeper.pid, start - 1) is None
    descriptor = proc.handle(sleeper.pid, start)
    assert descriptor is not None
    os.close(descriptor)


@pytest.mark.parametrize("kernel", ["new", "old"])
def test_the_end_is_waited_for(
    sleeper: subprocess.Popen[bytes], kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An end by SIGKILL too, and also where the kernel has no descriptors of processes."""
    if kernel == "old":
        monkeypatch.setattr(proc, "handle", _no_descriptors)
        monkeypatch.setattr(proc, "_POLL_S", 0.01)
    start = proc.started(sleeper.pid)
    assert start is not None
    waiter = threading.Thread(target=proc.wait_for_end, args=(sleeper.pid, start))
    waiter.start()
    waiter.join(0.1)
    assert waiter.is_alive()
    sleeper.send_signal(signal.SIGKILL)
    waiter.join(10)
    assert not waiter.is_alive()


def _no_descriptors(pid: int, start: int) -> int | None:
    raise OSError(38, f"no descriptor of {pid}, {start}")
