"""Who listens on the wire and repeats what he hears gets nothing."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.lab import Capture, Client, Host, Knock, Packet, Server, eventually, never
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab

REPLAYS_AFTER_S = (0, 0.02, 0.05, 0.1, 0.2, 0.5)
"""How long after the true train a captured one is played."""


@pytest.fixture(scope="module", params=["single", "timed"])
def pair(request: pytest.FixtureRequest, open_module_lab: OpenLab) -> Pair:
    """A pair for either way to admit, and an eavesdropper."""
    pair = make_pair(open_module_lab(), "--admit", request.param, "--timeout", "3s")
    pair.lab.host("eavesdropper")
    return pair


@pytest.fixture
def eavesdropper(pair: Pair) -> Host:
    """Hears everything that reaches the server."""
    return pair.lab.hosts["eavesdropper"]


@pytest.fixture(autouse=True)
def _only_the_laptop_ever_came_in(pair: Pair) -> Iterator[None]:
    """Around every test: sshd has seen nobody else, and the server knows of nobody else."""
    pair.shut()
    yield
    assert strangers(pair.server, pair.laptop) == []
    assert pair.server.pairing("laptop")["last_address"] == pair.laptop.ipv4


def strangers(server: Server, laptop: Client) -> list[str]:
    """List what sshd logged of connections from others than the laptop and the lab itself."""
    lines = [line for line in server.sshd_log.splitlines() if line.startswith("Connection from")]
    known = (laptop.ipv4, laptop.ipv6, "127.0.0.1")
    return [line for line in lines if line.split()[2] not in known]


def trains(capture: Capture, laptop: Client) -> tuple[list[Packet], list[Packet]]:
    """What the laptop knocked before sshd answered it, and after."""
    (answered, *_) = (
        packet.time
        for packet in capture.packets
        if packet.destination == laptop.ipv4 and packet.flags == "SA"
    )
    heard = capture.knocks(laptop.ipv4)
    before = [packet for packet in heard if packet.time < answered]
    return before, [packet for packet in heard if packet.time > answered]


def as_knocks(packets: list[Packet]) -> list[Knock]:
    """The packets as a train that can be sent."""
    return [packet.knock for packet in packets]


def test_what_is_on_the_wire_is_the_derived_sequence(server: Server, laptop: Client) -> None:
    """One run of ssh sends the open and then the close sequence of its counter, no more."""
    with server.capture() as capture:
        laptop.ssh("myserver", "true")
        counter = laptop.pairing()["confirmed"]
        close = laptop.train(counter, "close")
        eventually(lambda: len(trains(capture, laptop)[1]) == len(close), "the close train came")
    opened, closed = trains(capture, laptop)
    assert as_knocks(opened) == laptop.train(counter)
    assert as_knocks(closed) == close


def test_a_train_replayed_while_its_session_runs_opens_nothing(
    server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """From 0 to 500 ms after the train, and from the session's own address as well as another's."""
    with server.capture() as capture:
        session = laptop.popen(
            ["ssh", "-o", "BatchMode=yes", "myserver", "echo in; cat"], stdin=subprocess.PIPE
        )
        with session:
            assert session.line() == "in\n"
            opened, _ = trains(capture, laptop)
            for pause_s in REPLAYS_AFTER_S:
                eavesdropper.replay(server, as_knocks(opened))
                assert eavesdropper.connects(server.ipv4) == "refused", pause_s
                time.sleep(pause_s)
            assert server.pairing("laptop")["sessions"] == 1
            assert session.end().code == 0


def test_a_train_replayed_after_its_session_opens_nothing(
    pair: Pair, server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """Both trains of a session that is over, from another address and from the laptop's own."""
    with server.capture() as capture:
        laptop.ssh("myserver", "true")
        pair.in_step()
    pair.shut()
    opened, closed = trains(capture, laptop)
    at = server.pairing("laptop")["next"]
    for train in (opened, closed, [*opened, *closed]):
        for host in (eavesdropper, laptop):
            host.replay(server, as_knocks(train))
            never(lambda host=host: host.connects(server.ipv4) != "refused", "open", for_s=0.3)  # type: ignore[misc]
    assert server.pairing("laptop")["next"] == at


@pytest.mark.parametrize("gap_s", [0.0, 0.001])
def test_a_train_replayed_at_once_by_someone_else_opens_nothing(
    pair: Pair, server: Server, laptop: Client, eavesdropper: Host, gap_s: float
) -> None:
    """A listener with a fast trigger plays the whole train within 200 ms of the original."""
    at = server.pairing("laptop")["next"]
    doors = [laptop.train(counter) for counter in range(at, at + 8)]
    with server.capture() as capture:
        session = laptop.popen(["ssh", "-o", "BatchMode=yes", "myserver", "true"])

        def heard() -> list[Knock]:
            knocked = as_knocks(capture.knocks(laptop.ipv4))
            return next((door for door in doors if door == knocked[: len(door)]), [])

        train = eventually(heard, "the train was heard")
        for _ in range(10):
            eavesdropper.replay(server, train, gap_s=gap_s)
        assert eavesdropper.connects(server.ipv4) == "refused"
        assert session.end().code == 0
    pair.in_step()


@pytest.mark.parametrize("delay_s", [0, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03])
def test_an_eavesdropper_right_behind_never_wins_the_door(
    pair: Pair, server: Server, laptop: Client, eavesdropper: Host, delay_s: float
) -> None:
    """Every packet repeated from a second address: the true client is let in at once, he never."""
    before = server.pairing("laptop")["next"]
    with eavesdropper.shadow(server, laptop, delay_s=delay_s) as shadow:
        laptop.ssh("myserver", "true")
        pair.in_step()
    assert len(shadow.repeated) >= 4, "the eavesdropper heard nothing"
    assert eavesdropper.connects(server.ipv4) == "refused"
    assert server.pairing("laptop")["next"] == before + 1, "the first attempt was enough"


def test_claims_that_were_taken_beforehand_open_nothing(
    server: Server, laptop: Client, eavesdropper: Host
) -> None:
    """An eavesdropper who sent to every port first, and repeats the train, stays outside."""
    station = eavesdropper.station(server)
    for transport in ("udp", "tcp"):
        station.sweep(range(3000, 65001), transport)
    with eavesdropper.shadow(server, laptop, delay_s=0):
        assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    assert eavesdropper.connects(server.ipv4) == "refused"
