"""Who needs no knock: guests for a time, and networks for ever."""

from __future__ import annotations

import pytest

from tests.lab import Host, Lab, Server, eventually
from tests.lab.administration import books, reboot
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def visitor(pair: Pair) -> Host:
    """Somebody without a key."""
    return pair.lab.host("visitor")


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """A pair with single admission, and two other networks that are always admitted."""
    lab = open_module_lab()
    return make_pair(lab, "--always", "192.0.2.0/24", "--always", "2001:db8::7")


def addresses(server: Server) -> tuple[str, str]:
    """Return both addresses of the server."""
    return server.ipv4, server.ipv6


def outcomes(host: Host, server: Server) -> list[str]:
    """Return what connections over IPv4 and IPv6 get."""
    return [host.connects(address) for address in addresses(server)]


def test_a_guest_comes_in_for_a_time(server: Server, visitor: Host) -> None:
    """More than once, by the family that was said only, and no longer than was said."""
    told = server.sshknock("admit", visitor.ipv4, "--for", "4s").stdout
    assert told.startswith(f"{visitor.ipv4} is admitted until 20")
    assert [outcomes(visitor, server) for _ in range(2)] == [["open", "refused"]] * 2
    eventually(lambda: visitor.connects(server.ipv4) == "refused", "the time is over")
    server.sshknock("admit", visitor.ipv6)
    assert outcomes(visitor, server) == ["refused", "open"]
    status = server.sshknock("status").stdout
    assert f"Admitted: {visitor.ipv6} until 20" in status
    assert visitor.ipv4 not in status
    told = server.sshknock("revoke", visitor.ipv6).stdout
    assert told == f"{visitor.ipv6} is no guest any more.\n"
    assert outcomes(visitor, server) == ["refused", "refused"]
    assert "Admitted:" not in server.sshknock("status").stdout


def test_who_was_no_guest_is_not_revoked(server: Server) -> None:
    """It is said, and the log has nothing of it."""
    assert server.sshknock("revoke", "10.77.0.77").stdout == "10.77.0.77 was no guest.\n"
    assert "10.77.0.77" not in server.sshknock("log").stdout


def test_a_network_is_no_guest(server: Server) -> None:
    """The hint says what it is."""
    done = server.sshknock("admit", "10.0.0.0/8", check=False)
    assert done.stderr.splitlines()[1] == (
        "sshknock: hint: an IPv4 or IPv6 address; for a network: 'sshknock-server init --always"
        " NETWORK'"
    )


def test_a_guests_time_can_be_changed(server: Server, visitor: Host) -> None:
    """Longer or shorter than it was: the last word counts."""
    server.sshknock("admit", visitor.ipv4, "--for", "24h")
    server.sshknock("admit", visitor.ipv4, "--for", "2s")
    eventually(lambda: visitor.connects(server.ipv4) == "refused", "the time is over", timeout_s=5)
    server.sshknock("reconcile")
    assert visitor.connects(server.ipv4) == "refused"


def test_guests_survive_a_flush_within_their_time(server: Server, visitor: Host) -> None:
    """The table is made again with the guest, who has no more time than before."""
    server.sshknock("admit", visitor.ipv4, "--for", "1m")
    server.run(["nft", "flush", "ruleset"])
    server.sshknock("reconcile")
    assert visitor.connects(server.ipv4) == "open"
    (element,) = server.elements("guests4")
    assert element["elem"]["timeout"] <= 60
    server.sshknock("revoke", visitor.ipv4)
    server.run(["nft", "flush", "ruleset"])
    server.sshknock("reconcile")
    assert visitor.connects(server.ipv4) == "refused"


def look(server: Server) -> None:
    """Have the server look at its table, which stands."""
    server.sshknock("reconcile")


def test_a_clock_that_jumps_changes_no_guest_s_time(lab: Lab) -> None:
    """Forward it takes nothing while the kernel knows; back, with a reboot, it gives nothing."""
    server, visitor = lab.server(), lab.host("visitor")
    server.init()
    server.sshknock("admit", visitor.ipv4, "--for", "10m")
    for jump_s, reconcile in ((7200, look), (-80000, reboot), (-80000, reboot)):
        books(server, "UPDATE guest SET until = until - ?", jump_s)
        reconcile(server)
        (element,) = server.elements("guests4")
        assert element["elem"]["timeout"] <= 600
        assert visitor.connects(server.ipv4) == "open"


@pytest.mark.parametrize("ipv6", [False, True])
def test_a_guest_uses_no_admission_up(pair: Pair, *, ipv6: bool) -> None:
    """Who is let in anyway leaves the single admission of their knock to the next connection."""
    server, laptop = pair.server, pair.laptop
    guest, address = (laptop.ipv6, server.ipv6) if ipv6 else (laptop.ipv4, server.ipv4)
    server.sshknock("admit", guest)
    counter = server.pairing("laptop")["next"]
    laptop.replay(server, laptop.train(counter), ipv6=ipv6)
    eventually(lambda: server.pairing("laptop")["next"] == counter + 1, "the knock was heard")
    open_set = "open6" if ipv6 else "open4"
    assert [laptop.connects(address) for _ in range(2)] == ["open", "open"]
    assert len(server.elements(open_set)) == 1
    # And `revoke` takes both back.
    server.sshknock("revoke", guest)
    assert server.elements(open_set) == []
    assert laptop.connects(address) == "refused"


@pytest.mark.parametrize("ipv6", [False, True])
def test_revoke_takes_back_what_the_first_packet_of_a_connection_left(
    pair: Pair, *, ipv6: bool
) -> None:
    """The connection that used the admission up is let in no second time, from the same port."""
    server, laptop = pair.server, pair.laptop
    guest, address = (laptop.ipv6, server.ipv6) if ipv6 else (laptop.ipv4, server.ipv4)
    counter = server.pairing("laptop")["next"]
    laptop.replay(server, laptop.train(counter), ipv6=ipv6)
    eventually(lambda: server.pairing("laptop")["next"] == counter + 1, "the knock was heard")
    assert laptop.connects(address) == "open"
    ((element,),) = (server.elements("conn6" if ipv6 else "conn4"),)
    assert element["elem"]["expires"] <= 10
    server.sshknock("revoke", guest)
    assert server.elements("conn6" if ipv6 else "conn4") == []


def test_networks_that_are_always_admitted(server: Server, visitor: Host) -> None:
    """`init --always` lets them in, once said and again said they are replaced, `none` ends it."""
    assert outcomes(visitor, server) == ["refused", "refused"]
    assert "Always admitted: 192.0.2.0/24, 2001:db8::7/128." in server.sshknock("status").stdout
    changed = server.init("--always", "10.77.0.8/29", "--always", "fd00:77::/64").stdout
    assert "Changed: always 192.0.2.0/24 2001:db8::7/128 -> 10.77.0.8/29 fd00:77::/64" in changed
    assert [outcomes(visitor, server) for _ in range(2)] == [["open", "open"]] * 2
    assert server.init().stdout.endswith("The settings are as before.\n")
    assert outcomes(visitor, server) == ["open", "open"]
    server.run(["nft", "flush", "set", "inet", "sshknock", "always4"])
    assert outcomes(visitor, server) == ["refused", "open"]
    server.sshknock("reconcile")
    assert outcomes(visitor, server) == ["open", "open"]
    told = server.sshknock("revoke", visitor.ipv4).stdout
    assert "in a network that is always admitted" in told
    server.init("--always", "none")
    assert outcomes(visitor, server) == ["refused", "refused"]
    assert "Always admitted" not in server.sshknock("status").stdout


def test_neighbours_are_one_range_and_no_change(server: Server) -> None:
    """The kernel merges networks that touch; that is no difference to be mended every 15 s."""
    server.init("--always", "192.0.2.0/25", "--always", "192.0.2.128/26", "--always", "192.0.3.1")
    server.sshknock("reconcile")
    before = server.ruleset(own=True)
    server.sshknock("reconcile")
    assert [rule for rule in server.ruleset(own=True) if rule not in before] == []
    server.init("--always", "none")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["admit", "server"], "'server' is no address"),
        (["admit", "10.0.0.0/8"], "'10.0.0.0/8' is no address"),
        (["admit", "fe80::1%eth0"], "has a zone"),
        (["admit", "::"], "is no host's address"),
        (["admit", "10.0.0.1", "--for", "25h"], "between 1s and 24h"),
        (["admit", "10.0.0.1", "--for", "0s"], "between 1s and 24h"),
        (["admit", "10.0.0.1", "--for", "soon"], "is no time"),
        (["revoke", "10.0.0.256"], "is no address"),
        (["init", "--yes", "--port", "0"], "is no port"),
        (["init", "--yes", "--interface", "a b"], "is no network interface"),
        (["init", "--yes", "--timeout", "2h"], "is not within 1 s to 1 h"),
        (["client", "add", "a b"], "is no name"),
        (["client", "add", "other", "--host", "a b"], "is no host name"),
        (["client", "add", "other", "--port", "ssh"], "is no port"),
        (["client", "add", "other", "--ports", "9"], "is no range"),
        (["client", "add", "LAPTOP"], "there is a pairing"),
        (["client", "rotate", "laptop", "--host", "a b"], "is no host name"),
        (["init", "--yes", "--always", "0.0.0.0/0"], "is everybody"),
        (["init", "--yes", "--always", "::/0"], "is everybody"),
        (["init", "--yes", "--always", "128.0.0.0/1", "--always", "0.0.0.0/1"], "is everybody"),
        (["init", "--yes", "--always", "10.0.0.1/8"], "has bits beyond its prefix"),
        (["init", "--yes", "--always", "vpn"], "is no address"),
        (["init", "--yes", "--always", "none", "--always", "10.0.0.0/8"], "stands alone"),
        (["init", "--trial", "25h"], "a trial is between"),
        (["hide", "--trial", "0s"], "a trial is between"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(
    command: list[str], said: str, server: Server
) -> None:
    """One line, a hint at most, and nothing was changed."""
    before = server.read("/etc/sshknock/server.toml")
    done = server.sshknock(*command, check=False)
    assert done.code == 2
    first, *others = done.stderr.splitlines()
    assert first.startswith("sshknock: ")
    assert said in first
    assert all(line.startswith("sshknock: hint: ") for line in others)
    assert server.read("/etc/sshknock/server.toml") == before
