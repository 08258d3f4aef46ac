"""What goes wrong is said in one clear line with a hint and the right exit code, in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab import Client, Completed, Lab, Server, eventually
from tests.lab.conftest import OpenLab, Pair, make_pair

pytestmark = pytest.mark.lab

NOT_OPENED, NO_SUCH_PAIRING = 5, 3
LONGEST_RUN_S = 20
"""The attempts of one run take 15 s at most; the rest is this machine's."""


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """Each test leaves it as it was."""
    return make_pair(open_module_lab())


def proxy(laptop: Client, host: str, port: int = 22) -> Completed:
    """Run the proxy alone, as ssh would."""
    return laptop.run(["sshknock-proxy", host, str(port)], check=False, timeout_s=LONGEST_RUN_S)


def assert_says(done: Completed, *words: str) -> None:
    """Hold that it is a message of one line, then perhaps a hint, that holds these words."""
    lines = done.stderr.splitlines()
    assert all(line.startswith("sshknock: ") for line in lines), done
    assert 1 <= len(lines) <= 2, done
    assert "hint" not in lines[0], done
    assert all(line.startswith("sshknock: hint: ") for line in lines[1:]), done
    for word in words:
        assert word in done.stderr, (word, str(done))


@contextmanager
def dropping(host: Client | Server, rule: str) -> Iterator[None]:
    """Let the host's own firewall drop something on the way in."""
    chain = f"chain in {{ type filter hook prerouting priority -400; {rule} drop; }}"
    host.run(["nft", "-f", "-"], input=f"table inet drops {{\n{chain}\n}}\n")
    try:
        yield
    finally:
        host.run(["nft", "delete", "table", "inet", "drops"])


def test_an_unknown_server_is_never_connected_to(server: Server, laptop: Client) -> None:
    """No pairing for the host: exit 3, and not one packet is sent."""
    with server.capture() as capture:
        done = proxy(laptop, server.ipv6)
    assert done.code == NO_SUCH_PAIRING, done
    assert_says(done, "sshknock: hint: ")
    assert [packet for packet in capture.packets if packet.source == laptop.ipv6] == []


def test_another_port_is_another_server(server: Server, laptop: Client) -> None:
    """The pairing is for one port: the same host with another is unknown."""
    assert proxy(laptop, server.ipv4, 2222).code == NO_SUCH_PAIRING


def test_a_name_that_no_one_knows(lab: Lab) -> None:
    """A host name without an address: an error of its own, and no counter is burned."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host="nowhere.invalid")
    done = proxy(laptop, "nowhere.invalid")
    assert done.code == 1, done
    assert_says(done, "nowhere.invalid")
    assert laptop.pairing()["sent"] == -1


def test_a_network_without_a_route(lab: Lab) -> None:
    """No way to the server: an error of its own, and no counter is burned."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server)
    laptop.run(["ip", "route", "add", "unreachable", server.ipv4])
    done = proxy(laptop, server.ipv4)
    assert done.code == 1, done
    assert_says(done, server.ipv4)
    assert laptop.pairing()["sent"] == -1


def test_a_host_that_is_off(pair: Pair, laptop: Client, server: Server) -> None:
    """Nobody answers: exit 5 within the time of one run, and the next run gets in."""
    started = time.monotonic()
    with dropping(server, f"ip saddr {laptop.ipv4}"):
        done = proxy(laptop, server.ipv4)
    assert time.monotonic() - started < LONGEST_RUN_S
    assert done.code == NOT_OPENED, done
    assert_says(done, "sshknock: hint: ")
    laptop.ssh("myserver", "true")
    pair.in_step()


def test_a_network_that_blocks_high_ports_is_named(
    pair: Pair, laptop: Client, server: Server
) -> None:
    """The knocks get lost on the way: the hint says that a firewall is a likely cause."""
    with dropping(server, f"ip saddr {laptop.ipv4} th dport != 22"):
        done = proxy(laptop, server.ipv4)
    assert done.code == NOT_OPENED, done
    assert_says(done, "sshknock: hint: ", "ports")
    laptop.ssh("myserver", "true")
    pair.in_step()


def test_connect_timeout_of_ssh_is_kept(laptop: Client, server: Server) -> None:
    """`-o ConnectTimeout=2`: ssh gives up after 2 s, and no proxy stays behind."""
    started = time.monotonic()
    with dropping(server, f"ip saddr {laptop.ipv4}"):
        done = laptop.ssh("-o", "ConnectTimeout=2", "myserver", "true", check=False)
    assert done.code == 255, done
    assert time.monotonic() - started < 5
    eventually(lambda: laptop.processes("sshknock-proxy") == {}, "the proxy ends by itself")
    laptop.ssh("myserver", "true")


def test_a_wrong_secret(lab: Lab) -> None:
    """The server knows the client no more (its secret was renewed): exit 5, a hint, in time."""
    pair = make_pair(lab)
    pair.server.sshknock("client", "remove", "laptop")
    pair.server.pair("laptop")
    started = time.monotonic()
    done = proxy(pair.laptop, pair.server.ipv4)
    assert time.monotonic() - started < LONGEST_RUN_S
    assert done.code == NOT_OPENED, done
    assert_says(done, "sshknock: hint: ")
    assert pair.server.pairing("laptop")["next"] == 0


def test_a_port_that_is_not_hidden_works_with_a_warning(lab: Lab) -> None:
    """The table is gone and nobody watches: logins go on, and the user is told."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    pair.server.sshknock("reconcile")
    pair.server.sshknock("uninstall", "--yes")
    assert pair.laptop.connects(pair.server.ipv4) == "open"
    warnings = [pair.laptop.ssh("myserver", "true").stderr for _ in range(8)]
    told = [text for text in warnings if text]
    assert told, "no run said that the port is not hidden"
    assert all("hidden" in text and text.startswith("sshknock: ") for text in told), told


def test_an_unfinished_login_is_no_loss(lab: Lab) -> None:
    """Whom sshd refuses has used a sequence: it is forgotten with the door, the next run works."""
    pair = make_pair(lab, "--timeout", "3s")
    assert pair.laptop.ssh("nobody-of-this-name@myserver", "true", check=False).code == 255
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


def test_ssh_shows_the_proxys_message(laptop: Client, server: Server) -> None:
    """Through ssh the user sees the same line, and ssh's own exit code."""
    with dropping(server, f"ip saddr {laptop.ipv4}"):
        done = laptop.ssh("myserver", "true", check=False)
    assert done.code == 255
    assert "sshknock: hint: " in done.stderr
    laptop.ssh("myserver", "true")


def doors_and_admissions(server: Server) -> dict[str, list[object]]:
    """Read what a hook could change: the tickets, the used ones, the admitted addresses."""
    names = ("tickets", "used4", "used6", "open4", "open6")
    return {name: server.elements(name) for name in names}


@pytest.mark.parametrize(
    "address",
    [
        "$(touch /run/pwned)",
        "10.77.0.11; touch /run/pwned",
        "fe80::1%eth0",
        "x" * 10240,
        "",
        "1\n2",
    ],
)
def test_a_hook_called_with_a_hostile_address_does_nothing(
    pair: Pair, server: Server, laptop: Client, address: str
) -> None:
    """Whatever stands where an address should: a clear refusal, no file, no admission."""
    pair.in_step()
    server.sshknock("reconcile")
    before = doors_and_admissions(server)
    hook = ["sshknock-hook", "knock", "1", address]
    done = server.run(hook, check=False)
    assert done.code != 0, done
    assert "Traceback" not in done.stderr
    assert len(done.stderr) < 500
    assert not server.path("/run/pwned").exists()
    assert doors_and_admissions(server) == before
    assert laptop.connects(server.ipv4) == "refused"


def test_a_full_disk_keeps_the_old_file(lab: Lab) -> None:
    """No space where knockd.conf lies: the old file stays, and logins go on with it."""
    pair = make_pair(lab)
    before = pair.server.read("/etc/knockd.conf")
    # /etc is a tmpfs-backed overlay on /run: a file that takes all that is left fills both.
    pair.server.run(["mount", "-o", "remount,size=8m", "/run"])
    pair.server.run(["sh", "-c", "head -c 8m /dev/zero > /run/ballast || true"])
    done = pair.server.sshknock("client", "add", "second", "--host", "10.77.0.10", check=False)
    assert done.code == 1, done
    assert "Traceback" not in done.stderr, done
    assert pair.server.read("/etc/knockd.conf") == before
    pair.server.path("/run/ballast").unlink()
    pair.laptop.ssh("myserver", "true")
