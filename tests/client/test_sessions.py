"""Running sessions are counted by the locks that they hold."""

from __future__ import annotations

import subprocess
import sys

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
