"""What the server's log tells of visitors, of those who listen, and of strangers."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.lab import Client, Host, Server, eventually
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A pair, and an eavesdropper."""
    pair = make_pair(open_module_lab())
    pair.lab.host("eavesdropper")
    return pair


@pytest.fixture
def eavesdropper(pair: Pair) -> Host:
    """Hears everything that reaches the server."""
    return pair.lab.hosts["eavesdropper"]


def events(server: Server, *asked: str) -> list[dict[str, Any]]:
    """What the log has for programs."""
    lines = server.sshknock("log", "--json", "-n", "all", *asked).stdout.splitlines()
    return [json.loads(line) for line in lines]


def kinds(server: Server, counter: int) -> list[str]:
    """What happened at a counter, in order."""
    return [event["event"] for event in events(server) if event["counter"] == counter]


def test_a_visit_is_told_from_its_knock_to_its_end(
    pair: Pair, server: Server, laptop: Client
) -> None:
    """Three short sessions: each was opened, logged in to and ended; nobody is taken for a thief.

    While one knockd takes another's place both hear the train, and the second one comes too late.
    """
    for _ in range(3):
        laptop.ssh("myserver", "true")
        counter = laptop.pairing()["confirmed"]

        def told(counter: int = counter) -> bool:
            first, *others = kinds(server, counter)  # on a busy machine the hook of a login is late
            return first == "open" and sorted(others) in (["close", "login"], ["end", "login"])

        eventually(told, f"visit {counter} is told")
    pair.in_step()
    assert events(server, "--event", "replay", "--event", "refused") == []
    assert {event["address"] for event in events(server, "--client", "laptop")[1:]} == {laptop.ipv4}


def test_status_shows_who_is_in_and_who_was_not_let_in(
    server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """A session with its address and port; strangers by number, also over a table made anew."""
    before = server.status()["turned_away"]
    for _ in range(3):
        assert eavesdropper.connects(server.ipv4) == "refused"
    server.sshknock("init", "--service", "own", "--yes", "--timeout", "20s")
    command = ["ssh", "-o", "BatchMode=yes", "myserver", "echo $SSH_CONNECTION; cat"]
    with laptop.popen(command, stdin=subprocess.PIPE) as session:
        port = int(session.line().split()[1])

        def running() -> list[tuple[str, int]]:
            found = server.pairing("laptop")["running"]
            return [(visit["address"], visit["port"]) for visit in found]

        eventually(lambda: running() == [(laptop.ipv4, port)], "the session is shown")
        assert f"{laptop.ipv4}  {port}  20" in server.sshknock("status").stdout
    now = server.status()["turned_away"]
    assert now["since"] == before["since"]
    # The laptop tried the port, too, until its door was open: that is no stranger.
    assert now["packets"] == before["packets"] + 3
    server.run(["nft", "delete", "table", "inet", "sshknock"])
    server.sshknock("reconcile")
    assert server.status()["turned_away"]["packets"] == 0
    eventually(lambda: server.pairing("laptop")["sessions"] == 0, "the session is over")


@pytest.mark.long
def test_a_door_that_nobody_goes_through_is_told(server: Server, laptop: Client) -> None:
    """A knock by hand, and no more than a look at what answers."""
    laptop.sshknock("open", "myserver")
    counter = laptop.pairing()["sent"]

    def told() -> bool:
        server.sshknock("reconcile")
        return kinds(server, counter) == ["open", "unused"]

    eventually(told, "it is told", timeout_s=30)


def test_an_eavesdropper_who_repeats_a_train_is_told(
    pair: Pair, server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """By address and counter, and once, however often they repeat it."""
    with eavesdropper.shadow(server, laptop, delay_s=0):
        laptop.ssh("myserver", "true")
    counter = laptop.pairing()["confirmed"]

    def replayed() -> list[dict[str, Any]]:
        server.sshknock("reconcile")
        return events(server, "--event", "replay")

    (event,) = eventually(replayed, "it is told")
    assert (event["address"], event["counter"]) == (eavesdropper.ipv4, counter)
    assert laptop.ipv4 in event["detail"]
    pair.in_step()


def test_a_client_who_is_kept_out_is_told(
    pair: Pair, server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """Somebody else had sent the last knock first: the train was right, and did not open."""
    counter = laptop.pairing()["sent"] + 1
    train = laptop.train(counter)
    eavesdropper.replay(server, train[-1:])
    laptop.replay(server, train)

    def refused() -> list[dict[str, Any]]:
        server.sshknock("reconcile")
        return events(server, "--event", "refused")

    (event,) = eventually(refused, "it is told")
    assert (event["address"], event["counter"]) == (laptop.ipv4, counter)
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    pair.in_step()
