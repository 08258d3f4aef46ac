"""detach(): whoever called a hook is let go at once, and nothing of his is kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lab.waiting import eventually
from tests.server.hooks.programs import python

_PROGRAM = """
import json, os, signal
from sshknock.server.hooks.detach import detach
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
if detach():
    umask = os.umask(0)
    facts = {
        "pid": os.getpid(), "session": os.getsid(0), "folder": os.getcwd(), "umask": umask,
        "environment": dict(os.environ), "blocked": [int(s) for s in signal.pthread_sigmask(0, [])],
        "hangup": signal.getsignal(signal.SIGHUP) == signal.SIG_DFL,
        "files": [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")[:-1]],
    }
    with open(sys.argv[1] + ".new", "w") as file:
        json.dump(facts, file)
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    open(sys.argv[2]).read()  # stay until the test has seen enough
"""


@pytest.fixture
def facts(tmp_path: Path) -> Any:
    """What the background process says of itself while it runs and its caller is gone."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    secret, inherited = os.pipe()
    done = subprocess.run(
        python(_PROGRAM, str(tmp_path / "facts"), str(gate)),
        capture_output=True,
        timeout=20,
        pass_fds=[inherited],
        env={"LD_BIND_NOW": "1", "LANG": "xx", "SECRET": "s"},
        check=True,
    )
    assert done.stderr == b""
    os.close(inherited)
    assert os.read(secret, 1) == b""  # it holds no end of our pipe, though it still runs
    os.close(secret)
    eventually((tmp_path / "facts").exists, "it has told")
    told = json.loads((tmp_path / "facts").read_text())
    assert os.path.exists(f"/proc/{told['pid']}")  # noqa: PTH110
    yield told
    gate.write_text("")


def test_it_is_nobodys_child(facts: dict[str, Any]) -> None:
    """A session of its own without being the leader, no folder, nothing written for others."""
    assert facts["session"] not in (facts["pid"], os.getsid(0))
    assert facts["folder"] == "/"
    assert facts["umask"] == 0o077


def test_it_keeps_no_descriptor(facts: dict[str, Any]) -> None:
    """The three standard streams are /dev/null, and there is no fourth."""
    assert facts["files"] == ["/dev/null"] * 3


def test_its_environment_is_ours(facts: dict[str, Any]) -> None:
    """Nothing of the caller's passes, neither variables nor blocked or ignored signals."""
    assert facts["environment"].keys() == {"PATH", "LC_ALL"}
    assert facts["blocked"] == []
    assert facts["hangup"]


def test_the_supervisor_can_note_what_went_wrong_with_what_is_in_memory() -> None:
    """An upgrade may have taken the library away when there is something to be noted."""
    program = "import sshknock.server.hooks.watch; print('syslog' in sys.modules)"
    assert subprocess.run(python(program), capture_output=True, text=True, check=True).stdout == (
        "True\n"
    )
