"""Running sessions are counted by the locks that they hold."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sshknock.client import paths, sessions

HOLD = """
import sys
from sshknock.client import sessions
with sessions.running("box"):
    print("running", flush=True)
    sys.stdin.read()
"""


def _start() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    return process


def test_sessions_are_counted_while_they_run_and_not_after_a_crash() -> None:
    """Two run: 2. One ends: 1. The other is killed: 0, and no file is left."""
    assert sessions.count("box") == 0
    with _start() as one, _start() as two:
        assert sessions.count("box") == 2
        assert sessions.count("other") == 0
        one.communicate()
        assert sessions.count("box") == 1
        two.kill()
        two.wait()
        assert sessions.count("box") == 0
    assert list((paths.state_dir() / "sessions" / "box").iterdir()) == []


def test_processes_of_one_number_do_not_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers that share a home: both are counted, and neither waits for the other."""
    monkeypatch.setattr("os.getpid", lambda: 7)
    with sessions.running("box"), sessions.running("box"):
        assert sessions.count("box") == 2
    assert sessions.count("box") == 0


def test_a_session_that_cannot_be_counted_runs_all_the_same() -> None:
    """A file stands where the folder should be: no count, and no error."""
    paths.private_folder(paths.state_dir())
    (paths.state_dir() / "sessions").write_text("")
    with sessions.running("box"):
        assert sessions.count("box") == 0


def test_a_file_system_without_locks_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind either."""

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with sessions.running("box"):
        assert sessions.count("box") == 0
    assert list((paths.state_dir() / "sessions" / "box").iterdir()) == []
