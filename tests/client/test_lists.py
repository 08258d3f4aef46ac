"""A server with a stock knockd: a list of sequences, one at a time, and no close sequence."""

from __future__ import annotations

import json
import socket

import pytest

from sshknock.client.route import Route, resolve
from sshknock.client.state import FAILED, NOT_LOOKED_AT
from sshknock.protocol.counters import ClientCounters
from sshknock.protocol.list_counters import SPARE, UNUSABLE, SequenceList
from sshknock.records import replace
from tests.client.conftest import assert_says, finish, log_in, pair, sshknock, start_proxy
from tests.client.door import HOST, Door

FEW = SequenceList(0, 9 + SPARE + UNUSABLE)
MANY = SequenceList(0, 1000)


def test_a_login_uses_one_sequence_and_sends_no_close(door: Door) -> None:
    """The door would have heard it: its ports are listened on."""
    store = pair(door, listed=MANY)
    assert log_in(door) == ""
    assert (door.trains, door.closed) == ([0], [])
    assert store.load().counters == ClientCounters(0, 0, strong=store.load().counters.strong)


def test_a_list_that_runs_low_is_said_once_a_day(door: Door) -> None:
    """One line and a hint, and not with the next login."""
    store = pair(door, listed=FEW)
    first, hint = log_in(door).splitlines()
    assert first.startswith("sshknock: warning: the server's list of sequences for box is good for")
    assert first.endswith(" 8 more logins")
    assert hint == "sshknock: hint: 'sshknock push box' carries more there"
    assert log_in(door) == ""
    state = store.load()
    assert state.listed is not None
    assert state.listed.warned is not None
    store.save(replace(state, listed=replace(state.listed, warned=state.listed.warned - 86_401)))
    assert "good for 6 more" in log_in(door)


def test_a_list_that_is_used_up_stops_a_login_before_it_sends_anything(door: Door) -> None:
    """Exit 1, with what to do; the last sequences stay for carrying more."""
    store = pair(door, listed=FEW, counters=ClientCounters(8, 8))
    code, errors = finish(start_proxy(HOST, door.port))
    assert code == 1
    assert b"used up, so nothing was sent" in errors
    assert b"hint: 'sshknock push box' carries more" in errors
    assert (door.trains, store.load().counters.sent) == ([], 8)
    assert_says(sshknock("open", "box"), 1, "used up")


def test_a_train_that_was_lost_is_sent_again() -> None:
    """Nobody heard counter 1: the next run sends 1, and not 2, for which knockd has no ear."""
    with Door(accept_from=1, accept_until=1) as door:
        store = pair(
            door, listed=MANY, counters=ClientCounters(0, 1), last_result=FAILED, last_open=0
        )
        log_in(door)
        assert door.opened == [1]
        assert store.load().counters.confirmed == 1


def test_one_that_was_sent_by_hand_counts_as_used(door: Door) -> None:
    """``open --blind`` knocks for another program, which came in by it."""
    pair(door, listed=MANY, counters=ClientCounters(-1, 0), last_result=NOT_LOOKED_AT)
    done = sshknock("open", "box", "--blind")
    assert "sent counter 1;" in done.stdout
    assert door.wait_for(lambda: door.trains == [1])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("sync", "box"), ("nothing there can be asked", "sshknock push box --via")),
        (("rotate", "box"), ("nothing there can be asked", "forget box")),
    ],
)
def test_what_asks_a_server_of_ours_says_that_there_is_none(
    door: Door, command: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Before anything is connected or sent."""
    pair(door, listed=MANY)
    assert_says(sshknock(*command), 2, *words)
    assert (door.trains, door.accepted) == ([], 0)


def test_the_doctor_spends_no_sequence(door: Door) -> None:
    """It looks whether the port is hidden, and says what is left."""
    pair(door, listed=MANY)
    done = sshknock("doctor", "box", "--json")
    assert "sequences for 996 more logins" in done.stdout
    assert json.loads(done.stdout)["version"] == 1
    assert door.trains == []


def test_the_way_there_is_by_ipv4_only() -> None:
    """A stock knockd hears only the first sequence of its list over IPv6."""
    four, six = resolve("127.0.0.1", 22), resolve("::1", 22)
    both = replace(six, alternative=four)
    assert both.by(socket.AF_INET) == four
    assert four.by(socket.AF_INET) == four
    assert six.by(socket.AF_INET) is None
    assert isinstance(both.by(socket.AF_INET6), Route)


def test_a_server_without_ipv4_is_said_to_be_out_of_reach(door: Door) -> None:
    """And nothing is sent."""
    pair(door, listed=MANY)
    assert sshknock("set", "box", "host=::1").returncode == 0
    assert_says(sshknock("open", "box"), 1, "over IPv4 only", "nothing was sent")


def test_forget_tells_what_is_left_on_a_server_that_has_nothing_of_ours(door: Door) -> None:
    """Its file and knockd's section; a server of ours has a command for it."""
    pair(door, listed=SequenceList(0, 1000, "/etc/knockd/sequences"))
    told = sshknock("forget", "box").stdout
    assert told == (
        "forgot box; on the server, take its section out of /etc/knockd.conf, restart knockd and"
        " delete /etc/knockd/sequences\n"
    )
    pair(door)
    assert "sshknock-server client remove" in sshknock("forget", "box").stdout


def test_a_search_in_vain_leads_to_the_list_itself() -> None:
    """Nothing of ours on that server can be asked; the file there tells which one is next."""
    with Door() as door:
        pair(door, listed=SequenceList(0, 1 + SPARE + UNUSABLE))
    done = sshknock("sync", "box", "--search")
    assert done.returncode == 5
    assert "its list's sequences (2 attempts)" in done.stderr
    assert "'sshknock push box --via [USER@]HOST'" in done.stderr
    assert "sshknock-server" not in done.stderr
