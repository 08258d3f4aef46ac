"""How the proxy lives and ends: signals, pipes, the terminal and standard error."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sshknock.client.state import lock_file
from sshknock.protocol.counters import ClientCounters
from sshknock.records import replace
from sshknock.system.files import locked
from tests.client.conftest import finish, hang_up, pair, read, start_proxy, write
from tests.client.door import BANNER, HOST, PARAMETERS, Door

FOUR_ATTEMPTS = replace(PARAMETERS, window=4)


def _end_by_hup(proxy: subprocess.Popen[bytes]) -> None:
    proxy.send_signal(signal.SIGHUP)


def _end_by_term(proxy: subprocess.Popen[bytes]) -> None:
    proxy.send_signal(signal.SIGTERM)


def _end_by_both(proxy: subprocess.Popen[bytes]) -> None:
    proxy.send_signal(signal.SIGHUP)
    hang_up(proxy)


@pytest.mark.parametrize("end", [hang_up, _end_by_hup, _end_by_term, _end_by_both])
def test_every_end_of_ssh_sends_one_close(
    door: Door, end: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    """Killed, hung up, terminated, or both at once: one close train, exit 0, no message."""
    pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    end(proxy)
    assert finish(proxy) == (0, b"")
    assert door.wait_for(lambda: len(door.closed) > 0)
    assert door.closed == [0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP])
def test_the_terminals_signals_do_not_end_it(door: Door, number: signal.Signals) -> None:
    """^C and its like reach the whole process group, and are ssh's business alone."""
    pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    proxy.send_signal(number)
    write(proxy, b"hello")
    assert read(proxy.stdout, 5) == b"hello"
    hang_up(proxy)
    assert finish(proxy)[0] == 0


def test_it_leaves_the_terminal_once_connected(door: Door) -> None:
    """`x=$(ssh … 2>&1)` must not wait for it: ssh's standard error is let go, and its folder."""
    pair(door)
    as_ssh = '"$@"; exit'  # the parent has the same standard error, and waits
    program = (sys.executable, "-m", "sshknock.client.proxy_main")
    ssh = subprocess.Popen(
        ["/bin/sh", "-c", as_ssh, "ssh", *program, HOST, str(door.port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert read(ssh.stdout, len(BANNER)) == BANNER
    (proxy,) = map(int, Path(f"/proc/{ssh.pid}/task/{ssh.pid}/children").read_text().split())
    write(ssh, b"hello")
    assert read(ssh.stdout, 5) == b"hello"
    assert Path(f"/proc/{proxy}/fd/2").readlink() == Path("/dev/null")
    assert os.getsid(proxy) == proxy
    assert Path(f"/proc/{proxy}/cwd").readlink() == Path("/")
    hang_up(ssh)
    assert finish(ssh)[0] == 0


def test_a_standard_error_of_its_own_is_kept_while_the_session_runs(door: Door) -> None:
    """One made for it, as asyncssh does: its end would be taken for that of the connection."""
    pair(door)
    proxy = start_proxy(HOST, door.port)
    assert read(proxy.stdout, len(BANNER)) == BANNER
    write(proxy, b"hello")
    assert read(proxy.stdout, 5) == b"hello"
    assert proxy.stderr is not None
    assert not select.select([proxy.stderr], [], [], 0)[0]
    hang_up(proxy)
    assert finish(proxy) == (0, b"")


def test_ssh_that_dies_while_the_door_opens_leaves_a_close() -> None:
    """No signal, only the pipes: it stops trying and takes back what the train may have opened."""
    with Door(accept_from=100) as door:
        store = pair(door)
        proxy = start_proxy(HOST, door.port)
        assert door.wait_for(lambda: door.trains == [0])
        hang_up(proxy)
        assert finish(proxy) == (1, b"")
        assert door.wait_for(lambda: door.closed == [0])
        assert door.trains == [0]
        assert store.load().counters == ClientCounters().next(0, 8)[1]


@pytest.mark.parametrize(
    ("end", "code"), [(hang_up, 1), (_end_by_hup, -signal.SIGHUP), (_end_by_term, -signal.SIGTERM)]
)
def test_ssh_that_dies_while_another_knocks_leaves_nothing(
    door: Door, end: Callable[[subprocess.Popen[bytes]], None], code: int
) -> None:
    """It waits for the lock and nothing was sent: it is gone at once, and so is standard error."""
    pair(door)
    lock = lock_file("box")
    with locked(lock):
        proxy = start_proxy(HOST, door.port)
        while not holds_open(proxy.pid, lock):
            time.sleep(0.005)
        started = time.monotonic()
        end(proxy)
        assert finish(proxy) == (code, b"")
        assert time.monotonic() - started < 2
    assert door.trains == []


def holds_open(pid: int, path: Path) -> bool:
    """Tell whether a process has a file open."""
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if link.readlink() == path:
                return True
    return False


def test_what_fails_is_said_before_the_door_is_closed(door: Door) -> None:
    """`x=$(ssh ... 2>&1)` does not wait for the close train, whatever became of the login."""
    door.serve = lambda connection: connection.sendall(b"go away\r\n")
    pair(door)
    code = (
        "import sys, time\n"
        "from sshknock.client import proxy, proxy_main\n"
        "proxy.send_close = lambda *_, **__: time.sleep(60)\n"
        f"sys.argv = ['sshknock-proxy', '{HOST}', '{door.port}']\n"
        "proxy_main.main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        assert b"closed the connection at once" in read(process.stderr, 100_000)
        assert process.poll() is None
        process.kill()


def test_without_an_input_it_says_what_it_is_for(door: Door) -> None:
    """Run by hand at the end of a pipe: one line, and nothing is sent."""
    pair(door)
    proxy = subprocess.Popen(
        [sys.executable, "-m", "sshknock.client.proxy_main", HOST, str(door.port)],
        stdin=_ended_pipe(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    code, errors = finish(proxy)
    assert code == 1
    assert b"has ended already" in errors
    assert door.trains == []


def _ended_pipe() -> int:
    reader, writer = os.pipe()
    os.close(writer)
    return reader


@pytest.fixture
def without_stderr() -> Callable[..., subprocess.Popen[bytes]]:
    """Return a function that starts the proxy with standard error closed."""

    def start(*arguments: str | int) -> subprocess.Popen[bytes]:
        program = f"exec '{sys.executable}' -m sshknock.client.proxy_main \"$@\" 2>&-"
        return subprocess.Popen(
            ["/bin/sh", "-c", program, "sh", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    return start


def test_without_standard_error_the_exit_code_is_the_same(
    door: Door, without_stderr: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Nothing can be said, and no traceback decides."""
    pair(door)
    with without_stderr("--name", "nobody", HOST, door.port) as proxy:
        assert proxy.wait(20) == 3


def test_without_standard_error_the_session_runs(
    door: Door, without_stderr: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Its number is not given to a pipe of ours, which would be closed on leaving the terminal."""
    pair(door)
    with without_stderr(HOST, door.port) as proxy:
        assert read(proxy.stdout, len(BANNER)) == BANNER
        write(proxy, b"hello")
        assert read(proxy.stdout, 5) == b"hello"
        hang_up(proxy)
        assert proxy.wait(20) == 0
