"""Whoever knocks at every port there is finds no door, and a train with a wrong knock is none."""

from __future__ import annotations

import random

import pytest

from tests.lab import Client, Host, Knock, Server, eventually, never
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab

ALL_PORTS = range(1, 65536)


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """The worse case for a sweep: an admitted address stays admitted."""
    pair = make_pair(open_module_lab(), "--admit", "timed", "--timeout", "3s")
    pair.lab.host("scanner")
    return pair


@pytest.fixture
def scanner(pair: Pair) -> Host:
    """Sweeps."""
    return pair.lab.hosts["scanner"]


def ports_in(order: str) -> list[int]:
    """List all ports in an order."""
    ports = list(ALL_PORTS)
    if order == "descending":
        ports.reverse()
    elif order.startswith("shuffled"):
        random.Random(order).shuffle(ports)
    return ports


def assert_nothing_opened(server: Server, scanner: Host, at: int) -> None:
    """Hold that no address was admitted, no door used, and the scanner is refused."""
    never(lambda: scanner.connects(server.ipv4) != "refused", "the scanner is in", for_s=0.3)
    assert server.pairing("laptop")["next"] == at
    assert server.processes("knockd"), "the daemon lives"


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
def test_a_sweep_of_all_ports_opens_nothing(
    pair: Pair, server: Server, scanner: Host, transport: str, order: str
) -> None:
    """65535 packets of one protocol; afterwards the true client gets in as ever."""
    at = server.pairing("laptop")["next"]
    scanner.station(server).sweep(ports_in(order), transport)
    assert_nothing_opened(server, scanner, at)
    # The kernel remembers for a moment who was first to send each door's last knock: the scanner.
    names = ("claimed", "open4")
    eventually(lambda: not any(map(server.elements, names)), "the sweep is forgotten")
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
def test_a_sweep_of_both_protocols_opens_nothing(
    server: Server, scanner: Host, number: int
) -> None:
    """All 131070 knocks there are, shuffled: this one could play a door, but for the decoys."""
    everything = [(port, kind) for port in ALL_PORTS for kind in ("tcp", "udp")]
    random.Random(number).shuffle(everything)
    at = server.pairing("laptop")["next"]
    scanner.replay(server, everything, gap_s=0)
    assert_nothing_opened(server, scanner, at)


@pytest.mark.long
@pytest.mark.parametrize("scan", ["-sS", "-sT"])
def test_nmap_in_order_opens_nothing(server: Server, scanner: Host, scan: str) -> None:
    """A real scanner over all ports in ascending order, which opens an ascending door of a peer."""
    at = server.pairing("laptop")["next"]
    scanner.run(["nmap", "-Pn", "-n", "-r", scan, "-p-", "-T5", server.ipv4], timeout_s=300)
    assert_nothing_opened(server, scanner, at)


def decoys(server: Server) -> list[Knock]:
    """Read the knocks of the section that starts with port 0: none of them is part of a door."""
    for line in server.read("/etc/knockd.conf").splitlines():
        key, _, value = line.partition("=")
        words = value.replace(" ", "").split(",")
        if key.strip().lower() == "sequence" and words[0].partition(":")[0] == "0":
            found = [word.partition(":") for word in words[1:]]
            return [(int(port), transport or "tcp") for port, _, transport in found]
    raise AssertionError("knockd.conf has no decoys")


def test_a_decoy_hit_in_the_middle_of_a_train_refuses_it(
    pair: Pair, server: Server, laptop: Client
) -> None:
    """The right knocks with one decoy anywhere between them open nothing; without it they do."""
    pair.shut()
    counter = server.pairing("laptop")["next"]
    train = laptop.train(counter)
    decoy = decoys(server)[0]
    for place in range(1, len(train)):
        laptop.replay(server, [*train[:place], decoy, *train[place:]])
        never(lambda: laptop.connects(server.ipv4) != "refused", "it is open", for_s=0.3)
        # A knock that is no door's first clears what is left of the attempt.
        laptop.replay(server, [decoy])
    laptop.replay(server, train)
    eventually(lambda: laptop.connects(server.ipv4) == "open", "the right train opens")
    assert server.pairing("laptop")["next"] == counter + 1


def test_the_chance_of_a_sweep_is_shown(server: Server) -> None:
    """An administrator reads in `status` how likely a random sweep is to open a door."""
    assert "sweep" in server.sshknock("status").stdout
