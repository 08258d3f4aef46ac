"""The same over IPv6, and IPv4 is hidden beside it."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab import Lab
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A laptop that knows the server by its IPv6 address."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host=server.ipv6)
    return Pair(lab, server, laptop)


def test_ssh_over_ipv6(pair: Pair) -> None:
    """Logins go over IPv6, the port is hidden for both families before and after."""
    stranger = pair.lab.host("stranger")
    for _ in range(3):
        for address in (pair.server.ipv4, pair.server.ipv6):
            assert stranger.connects(address) == "refused"
            assert pair.laptop.connects(address) == "refused"
        client = pair.laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()[0]
        assert client == pair.laptop.ipv6
        pair.in_step()
    assert pair.server.pairing("laptop")["last_address"] == pair.laptop.ipv6


def test_a_replay_over_ipv6_opens_nothing(pair: Pair) -> None:
    """A second address right behind the true train does not get in."""
    eavesdropper = pair.lab.host("eavesdropper")
    for delay_s in (0, 0.005, 0.02):
        with eavesdropper.shadow(pair.server, pair.laptop, delay_s=delay_s, ipv6=True):
            pair.laptop.ssh("myserver", "true")
            pair.in_step()
        assert eavesdropper.connects(pair.server.ipv6) == "refused"
    assert eavesdropper.ipv6 not in pair.server.sshd_log


def test_a_host_with_both_families_uses_one_for_all(lab: Lab) -> None:
    """The name has two addresses: knocks and connection go to the same one."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host="server")
    with server.capture() as capture:
        laptop.ssh("myserver", "true")
        Pair(lab, server, laptop).in_step()
    used = {
        packet.source
        for packet in capture.knocks()
        if packet.destination in (server.ipv4, server.ipv6)
    }
    # The server's own guard frame (240.0.0.0/4) is in the capture, when a knockd starts meanwhile.
    used = {source for source in used if not source.startswith("24")}
    assert len(used) == 1


@pytest.mark.parametrize("dead", ["ip", "ip6"])
def test_a_host_whose_other_family_is_dead_is_reached(lab: Lab, dead: str) -> None:
    """Packets of one family get lost without a word: one ssh run goes by the other."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host="server")
    drop = f"{dead} saddr {server.ipv4 if dead == 'ip' else server.ipv6} drop"
    chain = f"chain in {{ type filter hook prerouting priority -400; {drop}; }}"
    laptop.run(["nft", "-f", "-"], input=f"table inet drops {{\n{chain}\n}}\n")
    for _ in range(3):
        address = laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()[0]
        assert address == (laptop.ipv6 if dead == "ip" else laptop.ipv4)
        Pair(lab, server, laptop).in_step()


def test_a_family_that_the_laptop_itself_blocks_is_left_for_the_other(lab: Lab) -> None:
    """A VPN's kill switch drops what goes out by one family: not even a counter is lost to that.

    The kernel tells so of a UDP knock only; after a TCP one the second attempt turns.
    """
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host="server")
    first = laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()[0]
    if first == laptop.ipv6:
        drop, other = f"ip6 daddr {server.ipv6} drop", laptop.ipv4
    else:
        drop, other = f"ip daddr {server.ipv4} drop", laptop.ipv6
    chain = f"chain out {{ type filter hook output priority 0; {drop}; }}"
    laptop.run(["nft", "-f", "-"], input=f"table inet kill_switch {{\n{chain}\n}}\n")
    transport = ""
    while transport != "udp":
        counter = laptop.pairing()["sent"] + 1
        transport = laptop.train(counter)[0][1]
        assert laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()[0] == other
        Pair(lab, server, laptop).in_step()
    assert laptop.pairing()["sent"] == counter


def test_a_laptop_with_privacy_addresses_keeps_to_one(pair: Pair) -> None:
    """Its source address changes between two logins, and a newer one comes up in a session."""
    laptop, server = pair.laptop, pair.server
    fresh = "fd00:77::dead:beef"
    with laptop.popen(
        ["ssh", "-o", "BatchMode=yes", "myserver", "echo $SSH_CONNECTION; cat"],
        stdin=subprocess.PIPE,
    ) as running:
        assert running.line().split()[0] == laptop.ipv6
        # The older address is deprecated, as a temporary one is after a day: new sockets leave it.
        laptop.run(["ip", "-6", "address", "add", f"{fresh}/64", "dev", "eth0", "nodad"])
        laptop.run(
            [
                *("ip", "-6", "address", "change", f"{laptop.ipv6}/64", "dev", "eth0"),
                *("preferred_lft", "0"),
            ]
        )
        client = laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()[0]
        assert client == fresh
        assert server.pairing("laptop")["last_address"] == fresh
    pair.in_step()
    assert server.elements("open6") == []
