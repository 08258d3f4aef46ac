"""The doctor before a door on the loopback: what it spends, and what it leaves behind."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest

from sshknock.client import config, state
from sshknock.client.doctor import examination as examinations
from sshknock.client.doctor.examination import Examination
from sshknock.client.doctor.findings import Check, Level
from sshknock.client.doctor.packets import Answer, Plain
from sshknock.client.state import OPENED, lock_file
from sshknock.protocol.counters import ClientCounters
from sshknock.system.files import locked
from tests.client.conftest import pair, sshknock
from tests.client.door import BANNER, HOST, Door


def diagnose(code: int) -> dict[str, Any]:
    """Run the doctor on the one pairing; its findings by check, and what it sent."""
    done = sshknock("doctor", "box", "--json")
    assert (done.returncode, done.stderr) == (code, ""), done.stdout
    (row,) = json.loads(done.stdout)["pairings"]
    found = {finding["check"]: finding for finding in row["findings"]}
    assert len(found) == len(row["findings"])
    return {**found, "sent": row["sent"]}


def test_a_door_that_opens_is_one_sequence_and_a_close(door: Door) -> None:
    """As a login: saved before it is sent, confirmed, closed."""
    store = pair(door)
    found = diagnose(0)
    assert found["sent"] == [0]
    assert "opened for counter 0: SSH-2.0-fake" in found["opening"]["what"]
    assert door.wait_for(lambda: door.closed == [0])
    left = store.load()
    assert left.counters == ClientCounters(0, 0, strong=0)
    assert (left.closed, left.last_result) == (True, OPENED)


def test_a_server_beyond_the_window_is_found_and_met() -> None:
    """Two as a login would, then far points; that nobody here sent those counters is said."""
    with Door(counters=range(16), accept_from=15) as door:
        store = pair(door)
        found = diagnose(1)
        assert found["sent"] == [0, 1, 7, 15]
        assert "out of step" in found["step"]["what"]
        assert "in use elsewhere" in "".join(found["step"]["todo"])
        assert store.load().counters.confirmed == 15
        assert door.wait_for(lambda: door.closed == [15])


def test_a_server_below_the_confirm_is_met_and_worth_a_note() -> None:
    """A login comes to that counter by itself; but the server may be from a backup."""
    with Door(counters=range(11), accept_from=10) as door:
        store = pair(door, counters=ClientCounters(10, 10), last_open=1)
        found = diagnose(0)
        assert found["sent"] == [11, 12, 18, 10]
        assert found["step"]["level"] == "note"
        assert "backup" in "".join(found["step"]["todo"])
        assert store.load().counters.confirmed == 10


def test_an_unreachable_host_may_have_a_firewall_that_says_so(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Firewalld rejects with the very answer that a router gives for a host that is off."""
    pair(door)
    known = config.load()
    looked = Plain(Answer.UNREACHABLE, error="No route to host")
    monkeypatch.setattr(examinations, "look_plainly", lambda _route: looked)
    *_, last = Examination(known.named("box"), known).findings()
    assert (last.check, last.what) == (
        Check.REACH,
        f"{HOST} cannot be reached: no route to host",
    )
    assert "see that it is up" in last.todo[0]
    assert "firewalld" in last.todo[1]


def test_a_server_that_opens_for_nothing_costs_six_sequences() -> None:
    """Each saved before it is sent; the text for people says which."""
    with Door(accept_from=100) as door:
        store = pair(door, counters=ClientCounters(40, 40), last_open=1)
        done = sshknock("doctor", "box")
        assert done.returncode == 5, done.stdout
        assert "did not open port" in done.stdout
        assert "counters 41, 42, 48, 40, 56, 32" in done.stdout
        assert store.load().counters.sent == 56


def test_a_port_that_opens_and_closes_again_is_not_called_shut() -> None:
    """As an sshd that refuses this address: the knocks were right, so no more are spent."""
    with Door(serve=lambda _connection: None) as door:
        pair(door)
        found = diagnose(5)
        assert door.wait_for(lambda: door.closed == [0])
    assert found["sent"] == [0]
    assert "no SSH server answered there" in found["opening"]["what"]


def test_a_port_that_needs_no_knock_is_a_problem_with_two_causes(door: Door) -> None:
    """Whoever is let in without a knock sees the same as everybody sees of a visible port."""
    store = pair(door)
    with socket.create_server((HOST, door.port)) as listener:
        thread = Thread(target=greet_all, args=(listener,))
        thread.start()
        found = diagnose(1)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert "not hidden, or your address is let in there anyway" in found["hidden"]["what"]
    for command in ("'sshknock-server status'", "'sshknock-server hide'"):
        assert command in "".join(found["hidden"]["todo"])
    assert (found["sent"], store.load().counters) == ([], ClientCounters())


def greet_all(listener: socket.socket) -> None:
    """Be an sshd that nothing hides."""
    with suppress(OSError):  # the listener is gone
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(BANNER)


def test_whoever_knocks_is_waited_for_but_not_for_ever(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is said, and nothing is sent."""
    store = pair(door)
    monkeypatch.setattr(state, "_BY_HAND_LOCK_WAIT_S", 0.1)
    known = config.load()
    examination = Examination(known.named("box"), known)
    with locked(lock_file("box")):
        *_, last = examination.findings()
    assert (last.check, last.level) == (Check.BUSY, Level.PROBLEM)
    assert "another ssh or sshknock is still busy with box" in last.what
    assert examination.sent == []
    assert store.load().counters == ClientCounters()
