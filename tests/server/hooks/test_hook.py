"""hook.py: what machines call answers with one line, and PAM is never told of a failure."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from sshknock import __version__
from tests.lab.waiting import eventually
from tests.server.hooks.programs import HOOK, ROOT, hook


def test_version_and_help() -> None:
    """Like all our programs."""
    assert hook("--version").stdout == f"sshknock-hook {__version__}\n"
    assert "knock TICKET ADDRESS" in hook("--help").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["open"],
        ["knock"],
        ["knock", "7"],
        ["knock", "7", "192.0.2.1", "more"],
        ["knock", "$(touch /tmp/x)", "192.0.2.1"],
        ["knock", "7", "$(touch /tmp/x)"],
        ["knock", "7", "192.0.2.1\n"],
        ["knock", "7", "192.0.2.1\nsshknock: all is well"],
        ["knock", "7", "fe80::1%eth0"],
        ["knock", "7", "1" * 10_000],
        ["knock", "1" * 10_000, "192.0.2.1"],
        ["knock", "0", "192.0.2.1"],
        ["knock", "-1", "192.0.2.1"],
        ["knock", "\N{FULLWIDTH DIGIT SEVEN}", "192.0.2.1"],
        ["knock", str(2**32), "192.0.2.1"],
        ["knock", "7", "\x1b[2J"],
        ["knock", "7", ""],
        ["reconcile", "$(id)"],
        ["reconcile", "timer", "timer"],
        ["session"],
        ["session", "192.0.2.1,1,2"],
        ["session", "fe80::1%eth0,1,2,3,4"],
        ["watch", "--no-such-option"],
    ],
)
def test_hostile_arguments_are_refused_with_one_line(arguments: list[str]) -> None:
    """Nothing that an attacker could bring into a command line is acted on, or shown raw."""
    done = hook(*arguments)
    assert done.returncode in (1, 2)
    message, *hint = done.stderr.splitlines()
    assert message.startswith("sshknock: ")
    assert len(message) < 200
    assert all(line.startswith("sshknock: hint: ") for line in hint)
    assert len(hint) <= 1
    assert done.stderr.replace("\n", "").isprintable()
    assert done.stdout == ""


def test_only_its_own_package_is_found(tmp_path: Path) -> None:
    """Neither the folder it is called in nor the environment can put code in its place."""
    (tmp_path / "sshknock").mkdir()
    for name in ("sshknock/__init__.py", "re.py", "os.py", "sitecustomize.py"):
        (tmp_path / name).write_text(f"raise SystemExit({name!r})")
    env = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": str(tmp_path), "PYTHONSTARTUP": "re.py"}
    done = hook("--version", cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout) == (0, f"sshknock-hook {__version__}\n")


def test_a_damaged_installation_never_fails_a_login(tmp_path: Path) -> None:
    """With its package gone, pam says nothing and exits 0; the others say it in one line."""
    alone = tmp_path / "sshknock" / "server" / "hook.py"
    alone.parent.mkdir(parents=True)
    shutil.copy(HOOK, alone)
    done = hook("pam", hook=alone)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = hook("knock", "7", "192.0.2.1", hook=alone)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "sshknock: the installation is damaged: it cannot import itself"
    ]


def test_pam_without_an_sshd_leaves_nothing_behind(tmp_path: Path) -> None:
    """Called by anything but sshd it exits 0, and no process of it stays."""
    (tmp_path / "sshknock").symlink_to(ROOT / "sshknock")  # a path that only this test uses
    linked = tmp_path / "sshknock" / "server" / "hook.py"
    lies = {"PAM_TYPE": "open_session", "SSH_CONNECTION": "192.0.2.9 40000 192.0.2.1 22"}
    done = hook("pam", hook=linked, env=lies)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    eventually(lambda: not _running(linked), "the background process has ended")


def test_pam_cannot_be_made_to_fail_by_closed_streams() -> None:
    """PAM may run it with nothing at all on 0, 1 and 2."""
    close = [(os.POSIX_SPAWN_CLOSE, stream) for stream in (0, 1, 2)]
    argv = [sys.executable, "-ISB", str(HOOK), "pam"]
    child = os.posix_spawn(sys.executable, argv, os.environ, file_actions=close)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _running(program: Path) -> list[Path]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(program).encode() in file.read_bytes():
                found.append(file)
    return found
