"""The supervisor: it reconciles when it is due, whatever becomes of the reconcile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sshknock.errors import SystemFault
from sshknock.server.hooks import watch
from tests.lab.waiting import eventually
from tests.server.hooks.programs import python

_SUPERVISOR = """
from pathlib import Path
from sshknock.server.hooks.supervisor import Supervisor
folder, period, pause = Path(sys.argv[1]), *map(float, sys.argv[2:])
def log(message):
    with (folder / "log").open("a") as file:
        file.write(message + "\\n")
argv = [sys.executable, "-IS", str(folder / "reconcile")]
supervisor = Supervisor(
    folder / "hook.sock", argv=argv, period_s=period, pause_s=pause, log=log
)
supervisor.run()
supervisor.close()
"""

# Stands for `hook.py reconcile`: notes its reason, then does what the test put into `answer`.
_RECONCILE = """
import pathlib, sys
folder = pathlib.Path(__file__).parent
with (folder / "ran").open("a") as file:
    file.write(" ".join(sys.argv[2:]) + "\\n")
exec((folder / "answer").read_text())
"""


@dataclass
class Bench:
    """A supervisor at work in a folder of the test."""

    folder: Path
    process: subprocess.Popen[str]

    def ran(self) -> list[str]:
        """Return the reasons of the reconciles so far."""
        return self._lines("ran")

    def log(self) -> list[str]:
        """Return what it had to say."""
        return self._lines("log")

    def answer(self, program: str) -> None:
        """Set what the next reconciles do."""
        new = self.folder / "answer.new"
        new.write_text(program)
        new.rename(self.folder / "answer")

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def period() -> float:
    """The seconds between two reconciles; a test that needs the timer sets it lower."""
    return 3600.0


@pytest.fixture
def pause() -> float:
    """The least seconds between two reconciles."""
    return 0.05


@pytest.fixture
def bench(tmp_path: Path, period: float, pause: float) -> Iterator[Bench]:
    """A supervisor whose first reconcile has been done."""
    (tmp_path / "reconcile").write_text(_RECONCILE)
    (tmp_path / "answer").write_text("")
    argv = python(_SUPERVISOR, str(tmp_path), str(period), str(pause))
    with subprocess.Popen(argv, text=True, stderr=subprocess.PIPE) as process:
        bench = Bench(tmp_path, process)
        try:
            eventually(lambda: bench.ran()[:1] == ["start"], "it reconciles when it starts")
            yield bench
        finally:
            process.kill()


def test_sigterm_ends_it_and_takes_the_socket_away(bench: Bench) -> None:
    """Cleanly, and with nothing to say."""
    bench.process.send_signal(signal.SIGTERM)
    assert bench.process.wait(20) == 0
    assert not (bench.folder / "hook.sock").exists()
    assert bench.log() == []


def test_a_reload_is_a_reconcile(bench: Bench) -> None:
    """SIGHUP, which the reload of a firewall's unit brings."""
    bench.process.send_signal(signal.SIGHUP)
    eventually(lambda: bench.ran() == ["start", "reload"], "it reconciles")


@pytest.mark.parametrize("period", [0.1])
def test_the_timer(bench: Bench) -> None:
    """It goes on by itself."""
    eventually(lambda: bench.ran()[:3] == ["start", "timer", "timer"], "the timer ran twice")


@pytest.mark.parametrize("pause", [3600.0])
def test_it_never_spins(bench: Bench) -> None:
    """A daemon that dies at its start is not started again before the pause is over."""
    bench.process.send_signal(signal.SIGHUP)
    with socket.socket(socket.AF_UNIX) as channel:  # it has gone once more round its loop
        channel.connect(str(bench.folder / "hook.sock"))
        assert channel.recv(1) == b""
    assert bench.ran() == ["start"]


def test_it_comes_back_when_it_was_asked_to(bench: Bench) -> None:
    """A reconcile that replaced a daemon wants to end the old one later."""
    bench.answer("len(sys.argv) and print('due 0.5')")
    bench.process.send_signal(signal.SIGHUP)
    eventually(lambda: bench.ran()[2:] == ["timer"], "it came back long before the period is over")


def test_the_end_of_a_daemon_is_noticed_at_once(bench: Bench) -> None:
    """And the end of the supervisor is none of the daemon."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as first:
        bench.answer(f"print('watch {first.pid}')")
        bench.process.send_signal(signal.SIGHUP)
        eventually(lambda: bench.ran() == ["start", "reload"], "it knows the daemon")
        with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as second:
            bench.answer(f"print('watch {second.pid}')")
            first.kill()
            eventually(lambda: bench.ran()[2:] == ["daemon"], "it reconciles")
            bench.process.send_signal(signal.SIGTERM)
            assert bench.process.wait(20) == 0
            assert second.poll() is None
            second.kill()


def test_a_daemon_that_is_gone_already_is_noticed(bench: Bench) -> None:
    """It may die between its start and our look."""
    bench.answer("print('watch 4194304')")  # above the kernel's highest number
    bench.process.send_signal(signal.SIGHUP)
    eventually(lambda: bench.ran()[2:3] == ["daemon"], "it reconciles")


@pytest.mark.parametrize("period", [0.1])
@pytest.mark.parametrize(
    ("failure", "complaint"),
    [
        ("sys.exit('sshknock: the disk is full')", "sshknock: the disk is full"),
        ("import os; os.kill(os.getpid(), 9)", "the hook ended with -9"),
        ("print('due soon'); print('\\x1b[2J'); sys.exit(1)", "due soon"),
    ],
)
def test_a_failure_is_said_once_and_ends_nothing(
    bench: Bench, failure: str, complaint: str
) -> None:
    """It goes on trying, and the log does not fill up."""
    bench.answer(failure)
    tried = len(bench.ran())
    eventually(lambda: len(bench.ran()) >= tried + 3, "it tries again")
    assert bench.log() == [complaint]
    bench.answer("")
    tried = len(bench.ran())
    eventually(lambda: len(bench.ran()) >= tried + 2, "it goes on")
    bench.answer(failure)
    eventually(lambda: bench.log() == [complaint, complaint], "a new failure is said again")


def test_a_user_who_hammers_the_socket_starts_nothing(bench: Bench) -> None:
    """This test has no sshd above it: it is looked at, and hung up on."""
    for _ in range(200):
        with socket.socket(socket.AF_UNIX) as channel:
            channel.connect(str(bench.folder / "hook.sock"))
            channel.settimeout(5)
            assert channel.recv(1) == b""
    bench.process.send_signal(signal.SIGHUP)
    eventually(lambda: len(bench.ran()) > 1, "it still listens to others")
    assert bench.ran() == ["start", "reload"]


def test_there_is_only_one(tmp_path: Path) -> None:
    """The lock decides, not the number in the file; it goes with the process."""
    pid_file = tmp_path / "watch.pid"
    pid_file.write_text("1\n")
    lock = watch.claim(pid_file)
    assert pid_file.read_text() == f"{os.getpid()}\n"
    with pytest.raises(SystemFault, match="runs already"):
        watch.claim(pid_file)
    os.close(lock)
    os.close(watch.claim(pid_file))


def test_the_pid_file_is_no_way_to_other_files(tmp_path: Path) -> None:
    """A link in its place is not followed."""
    (tmp_path / "precious").write_text("content")
    (tmp_path / "watch.pid").symlink_to(tmp_path / "precious")
    with pytest.raises(SystemFault):
        watch.claim(tmp_path / "watch.pid")
    assert (tmp_path / "precious").read_text() == "content"


_EVENTS = """
import select, subprocess
from sshknock.server.hooks.table_events import TableEvents
events = TableEvents()
def deleted(command):
    subprocess.run(["/usr/sbin/nft", command], check=True)
    return bool(select.select([events], [], [], 5)[0]) and events.table_was_deleted()
print(
    deleted("add table inet sshknock; add table inet other"),
    deleted("delete table inet other"),
    deleted("add set inet sshknock tickets { type mark; }"),
    deleted("delete table inet sshknock"),
    deleted("add table inet sshknock"),
    deleted("flush ruleset"),
)
"""


@pytest.mark.lab
def test_the_loss_of_our_table_is_noticed() -> None:
    """By name or by a flush; what happens to other tables is nothing to us."""
    done = subprocess.run(
        ["/usr/bin/unshare", "-n", *python(_EVENTS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ["False", "False", "False", "True", "False", "True"], done.stderr
