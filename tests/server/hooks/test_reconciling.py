"""A hundred events are two reconciles: the one that runs, and one that sees everything since."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.hooks import background, reconciling
from sshknock.server.hooks.peer import Peer
from sshknock.server.reconcile import Outcome
from tests.lab.waiting import eventually


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the locks is the test's."""
    folder = tmp_path / "run"
    monkeypatch.setattr(paths, "RUN", folder)
    return folder


def test_many_at_once_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty come while one runs: one waits and runs after it, the others leave it to that one."""
    started: list[str] = []
    go = threading.Event()

    def reconcile(reason: str) -> Outcome:
        started.append(reason)
        assert go.wait(20)
        return Outcome(None)

    monkeypatch.setattr(reconciling, "reconcile", reconcile)
    first = threading.Thread(target=reconciling.reconcile_soon, args=("first",))
    first.start()
    eventually(lambda: started == ["first"], "the first one runs")
    others = [
        threading.Thread(target=reconciling.reconcile_soon, args=("later",)) for _ in range(20)
    ]
    for thread in others:
        thread.start()
    eventually(lambda: sum(t.is_alive() for t in others) == 1, "nineteen have left")
    assert started == ["first"]
    go.set()
    for thread in (first, *others):
        thread.join(20)
    assert started == ["first", "later"]


def test_a_failure_in_the_background_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is there to read it, and the next event tries again."""
    said: list[str] = []
    monkeypatch.setattr(background, "note", said.append)
    monkeypatch.setattr(reconciling, "reconcile", _fail)
    reconciling.reconcile_soon("knock")
    reconciling.reconcile_soon("knock")
    assert said == ["knock: no nft", "knock: no nft"]


def test_the_supervisor_is_told_when_and_whom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints when it is due again and which daemons to watch; sessions come first."""
    done: list[object] = []

    def reconcile(reason: str) -> Outcome:
        done.append(reason)
        return Outcome(2.5)

    def enter(address: str, port: int, pid: int, started: int) -> None:
        done.append((address, port, pid, started))

    monkeypatch.setattr(reconciling, "reconcile", reconcile)
    monkeypatch.setattr(reconciling, "enter_session", enter)
    monkeypatch.setattr(reconciling, "watched_pids", lambda: [12, 34])
    peer = Peer("2001:db8::1", 40000, 22, 77, 123456789)
    assert reconciling.run(["timer", "--session", peer.argument()]) == 0
    assert done == [("2001:db8::1", 40000, 77, 123456789), "timer"]
    assert capsys.readouterr().out == "due 2.500\nwatch 12\nwatch 34\n"


def test_a_session_that_cannot_be_entered_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the reconcile runs all the same."""
    said: list[str] = []
    ran: list[str] = []
    monkeypatch.setattr(background, "note", said.append)
    monkeypatch.setattr(reconciling, "enter_session", lambda *_: _fail("session"))
    monkeypatch.setattr(reconciling, "reconcile", ran.append)
    reconciling.begin_session(Peer("192.0.2.1", 40000, 22, os.getpid(), 1))
    assert (said, ran) == (["session: no nft"], ["session"])


def _fail(reason: str) -> Outcome:  # noqa: ARG001  stands for reconcile
    raise SystemFault("no nft")
