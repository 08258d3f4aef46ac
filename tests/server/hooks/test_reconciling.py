"""A hundred events are two reconciles: the one that runs, and one that sees everything since."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from sshknock.errors import SystemFault
from sshknock.server import paths
from sshknock.server.hooks import background, reconciling, session, telling
from sshknock.server.hooks.peer import Peer
from sshknock.server.reconcile import Outcome
from sshknock.system.files import locked
from tests.lab.waiting import eventually


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server is set up, in the test's own folder."""
    for name in ("CONFIG_FILE", "HOOK_AT_WORK", "NEXT_HOOK"):
        monkeypatch.setattr(paths, name, tmp_path / name)
    paths.CONFIG_FILE.touch()
    monkeypatch.setattr(reconciling, "load", lambda: None)
    monkeypatch.setattr(reconciling, "keep_supervised", lambda _: None)
    return tmp_path


def test_who_holds_the_locks_has_a_full_share_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Commands and sessions wait for it, so on a busy machine it must not be the last in turn."""
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    seen: list[int] = []
    monkeypatch.setattr(
        reconciling, "reconcile", lambda _: seen.append(os.getpriority(os.PRIO_PROCESS, 0))
    )
    reconciling.reconcile_soon("knock")
    assert seen == [niceness]


def test_a_hook_that_is_late_makes_nothing_anew(
    state_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After uninstall there is nothing to reconcile, and nothing to complain about."""
    said: list[str] = []
    monkeypatch.setattr(background, "note", said.append)
    monkeypatch.setattr(reconciling, "reconcile", _fail)
    paths.CONFIG_FILE.unlink()
    reconciling.reconcile_soon("knock")
    assert (said, list(state_folder.iterdir())) == ([], [])


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


def test_a_hook_at_work_that_does_not_end_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is something else than one that waits already: nobody does the work."""
    said: list[str] = []
    monkeypatch.setattr(background, "note", said.append)
    monkeypatch.setattr(reconciling, "_PATIENCE_S", 0.05)
    with locked(paths.NEXT_HOOK):
        reconciling.reconcile_soon("knock")
    assert said == []
    with locked(paths.HOOK_AT_WORK):
        reconciling.reconcile_soon("knock")
    assert said == [f"knock: another process holds {paths.HOOK_AT_WORK}"]


def test_the_supervisor_is_told_when_and_whom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints when it is due again, and which daemons to watch."""
    monkeypatch.setattr(telling, "reconcile", lambda _: Outcome(2.5))
    monkeypatch.setattr(telling, "watched_pids", lambda: [12, 34])
    assert reconciling.run(["timer"]) == 0
    assert capsys.readouterr().out == "due 2.500\nwatch 12\nwatch 34\n"


def test_one_session_that_cannot_be_entered_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, and the next is entered."""
    said: list[str] = []
    entered: list[str] = []

    def enter_session(address: str, *_: int) -> None:
        if address == "192.0.2.1":
            raise SystemFault("no room")
        entered.append(address)

    monkeypatch.setattr(background, "note", said.append)
    monkeypatch.setattr(session, "enter_session", enter_session)
    peers = [Peer(address, 40000, 22, 77, 1) for address in ("192.0.2.1", "2001:db8::1")]
    assert session.run([peer.argument() for peer in peers]) == 0
    assert (said, entered) == (["session: no room"], ["2001:db8::1"])


def _fail(reason: str) -> Outcome:  # noqa: ARG001  stands for reconcile
    raise SystemFault("no nft")
