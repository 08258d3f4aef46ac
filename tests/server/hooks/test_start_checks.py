"""Hooks that an upgrade took away are noticed by the supervisor, once, and so is their return."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshknock.server import paths
from sshknock.server.config import Config
from sshknock.server.engines.knockd import conf
from sshknock.server.hooks import background, start_checks
from sshknock.server.hooks.start_checks import StartChecks
from sshknock.server.installation import starts
from sshknock.server.installation.program import Program
from sshknock.server.store import Store
from tests.lab.waiting import eventually
from tests.server.hooks.programs import HOOK, hook

PYTHON = Path(sys.executable)
GOOD = Program(PYTHON, HOOK)
PAM = Path("/etc/pam.d/sshd")


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The books that the supervisor writes to."""
    store = Store(tmp_path / "state.db")

    @contextmanager
    def opened(_patience_s: float) -> Iterator[tuple[Config, Store]]:
        yield Config("eth0"), store

    monkeypatch.setattr(start_checks, "opened", opened)
    monkeypatch.setattr(background, "note", lambda _message: None)
    yield store
    store.close()


def looked_at(
    programs: dict[Program, Path],
    check_trust: Callable[[Program], None] = lambda _program: None,
) -> list[str]:
    """What one look at these programs finds."""
    told: list[list[str]] = []
    checks = StartChecks(
        soonest_s=0, programs=lambda: programs, check_trust=check_trust, tell=told.append
    )

    def is_done() -> bool:
        checks.step()
        return bool(told)

    eventually(is_done, "all were started", timeout_s=30)
    return told[0]


def test_check_starts_all_and_does_nothing() -> None:
    """It is silent and succeeds on a machine that is not even set up."""
    done = hook("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert hook("check", "more").returncode == 2


def test_a_hook_that_starts_is_no_news() -> None:
    """The program that the tests run with is a good one."""
    assert looked_at({GOOD: PAM}) == []


def test_every_way_not_to_start_is_told_with_the_file_that_runs_it(tmp_path: Path) -> None:
    """No interpreter, no hook, a hook with an error, a piece of the package missing."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text("raise SystemExit('cannot import the name of it')\n")
    alone = tmp_path / "sshknock" / "server" / "hook.py"
    alone.parent.mkdir(parents=True)
    alone.write_bytes(HOOK.read_bytes())
    programs = {
        Program(tmp_path / "no-python", HOOK): PAM,
        Program(PYTHON, tmp_path / "no-hook.py"): Path("/etc/two"),
        Program(PYTHON, wrong): Path("/etc/three"),
        Program(PYTHON, alone): Path("/etc/four"),
        GOOD: Path("/etc/five"),
    }
    one, two, three, four = looked_at(programs)
    assert one.startswith("the hook that /etc/pam.d/sshd runs does not start: cannot start ")
    assert "/etc/two" in two
    assert three == "the hook that /etc/three runs does not start: cannot import the name of it"
    assert "the installation is damaged" in four


def test_what_others_can_change_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root looks whether a hook starts by starting it: never one that somebody else wrote."""
    ran, evil = tmp_path / "ran", tmp_path / "python"
    evil.write_text(f"#!/bin/sh\nid > {ran}\n")
    evil.chmod(0o777)
    monkeypatch.setattr(starts, "programs", lambda: {Program(evil, HOOK): PAM})
    (told,) = looked_at(starts.programs(), starts.check_trust)
    assert told.startswith("the hook that /etc/pam.d/sshd runs does not start: not tried: ")
    assert starts.broken() == [told]
    assert not ran.exists()
    assert looked_at({Program(evil, HOOK): PAM}) == []
    assert ran.exists(), "it would have run"


def test_the_log_hears_once_that_it_began_and_once_that_it_ended(books: Store) -> None:
    """However often the supervisor looks in between."""
    for broken in ([], ["the hook is gone"], ["the hook is gone"], ["all gone"], [], []):
        start_checks.note(broken)
        assert start_checks.was_broken(books) == broken
    told = [(event.kind, event.detail) for event in books.events(9)]
    assert told == [("hook-fails", "the hook is gone"), ("hook-works", "it starts again")]


def test_the_programs_are_those_that_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found in the PAM line and in our block of knockd.conf, once each.

    What the administrator wrote or put into a comment is not ours to start.
    """
    pam, knockd = tmp_path / "pam", tmp_path / "knockd.conf"
    pam.write_text(
        "session optional pam_exec.so quiet type=open_session"
        " /opt/a/bin/python -ISB /opt/a/sshknock/server/hook.py pam\n"
        "  # it was /opt/old/python -ISB /opt/old/sshknock/server/hook.py pam\n"
        "session optional pam_exec.so /usr/bin/python3 -ISB /opt/other/hook.py pam\n"
    )
    line = "start_command = nft x && exec /opt/b/python3 -ISB /opt/b/sshknock/server/hook.py knock"
    other = line.replace("/opt/b", "/opt/evil")
    knockd.write_bytes(
        conf.File(
            f"# \udce9 {other}\n[lamp]\n\tsequence = 1\n\t{other}\n",
            f"# {other}\n{line} 1 %IP%\n{line} 2 %IP%\n",
        )
        .render()
        .encode("utf-8", "surrogateescape")
    )
    monkeypatch.setattr(paths, "PAM_SSHD", pam)
    monkeypatch.setattr(paths, "KNOCKD_CONF", knockd)
    monkeypatch.setattr(paths, "SYSTEMD_UNITS", tmp_path)
    assert starts.programs() == {
        Program(Path("/opt/a/bin/python"), Path("/opt/a/sshknock/server/hook.py")): pam,
        Program(Path("/opt/b/python3"), Path("/opt/b/sshknock/server/hook.py")): knockd,
    }
    assert len(starts.broken()) == 2
