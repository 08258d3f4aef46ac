"""`sshknock doctor` names what is wrong: each fault is a real one, of real programs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import kill

import pytest

from tests.lab import Client, Completed, Host, Lab, Server, eventually
from tests.lab.conftest import OpenLab, Pair, make_pair
from tests.lab.desk import LOCK, in_session

pytestmark = pytest.mark.lab

WELL, WRONG, NO_KEYRING, NOT_OPENED = 0, 1, 4, 5
DEAD_IPV6 = "fd00:77::dead"
CARRIER_ADDRESS = "100.64.0.5"


@pytest.fixture(scope="module")
def pair(open_module_lab: OpenLab) -> Pair:
    """Each test mends what it broke."""
    pair = make_pair(open_module_lab())
    pair.laptop.ssh("myserver", "true")
    pair.in_step()
    return pair


def diagnose(laptop: Client, code: int, *, name: str = "myserver") -> dict[str, list[str]]:
    """Run the doctor; what it found by level, each with what to do, after its exit code is held."""
    done = laptop.sshknock("doctor", name, "--json", check=False, timeout_s=60)
    assert done.code == code, done
    assert done.stderr == "", done
    (row,) = json.loads(done.stdout)["pairings"]
    found: dict[str, list[str]] = {"ok": [], "note": [], "problem": []}
    for finding in row["findings"]:
        found[finding["level"]].append("\n".join([finding["what"], *finding["todo"]]))
    return found


def the_problem(laptop: Client, code: int, *, name: str = "myserver") -> str:
    """Run the doctor, which names exactly one problem: that, and what to do."""
    (problem,) = diagnose(laptop, code, name=name)["problem"]
    return problem


def well_again(pair: Pair) -> None:
    """What was broken is mended: plain ssh works, and the two are in step."""
    pair.laptop.ssh("myserver", "true")
    pair.in_step()


@contextmanager
def table(host: Host, rules: str) -> Iterator[None]:
    """Give the host one more table of nftables."""
    host.run(["nft", "-f", "-"], input=f"table inet lab {{\n{rules}\n}}\n")
    try:
        yield
    finally:
        host.run(["nft", "delete", "table", "inet", "lab"])


def output(rule: str) -> str:
    """Let a machine's own firewall drop what it sends."""
    return f"chain out {{ type filter hook output priority 0; {rule} drop; }}"


@contextmanager
def on_the_way(pair: Pair, rule: str) -> Iterator[None]:
    """Let something between the two drop what the laptop sends: neither can know of it."""
    nft = pair.lab._bridge.enter(["/usr/sbin/nft", "-f", "-"])
    port = f"port{pair.laptop.place.number}"  # the bridge's end of the laptop's cable
    chain = f'chain in {{ type filter hook ingress device "{port}" priority 0; {rule} drop; }}'
    subprocess.run(nft, input=f"table netdev lab {{\n{chain}\n}}\n", text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(nft, input="delete table netdev lab\n", text=True, check=True)


def causes(problem: str) -> Sequence[str]:
    """List what it may be, the likeliest first."""
    return [line for line in problem.splitlines() if re.match(r"[1-9]\. ", line)]


def test_a_pair_that_is_well(pair: Pair) -> None:
    """Every check is ok, one sequence was spent and accounted for, and the port is shut again."""
    before = pair.laptop.pairing()["sent"]
    done = pair.laptop.sshknock("doctor")
    assert "nothing is wrong" in done.stdout, done
    assert f"counter {before + 1}" in done.stdout, done
    assert "problem" not in done.stdout.replace("0 problems", ""), done
    pair.in_step()
    assert pair.laptop.pairing()["sent"] == before + 1
    assert pair.laptop.connects(pair.server.ipv4) == "refused"


def test_out_of_step(pair: Pair) -> None:
    """The server has moved on beyond the window: found, said, and mended in the same run."""
    confirmed = pair.laptop.pairing()["confirmed"]
    pair.server.sshknock("sync", "laptop", "--at-least", str(confirmed + 12))
    problem = the_problem(pair.laptop, WRONG)
    assert "out of step" in problem
    assert "in step again" in problem
    pair.in_step()
    well_again(pair)


def test_a_firewall_of_this_machine_that_drops_udp(pair: Pair) -> None:
    """The kernel says so at once: one sequence is spent, and the cause is certain."""
    before = pair.laptop.pairing()["sent"]
    with table(pair.laptop, output("udp dport 3000-65000")):
        problem = the_problem(pair.laptop, WRONG)
    assert "this machine's own firewall drops UDP" in problem
    assert pair.laptop.pairing()["sent"] <= before + 1
    well_again(pair)


def test_a_firewall_of_this_machine_that_drops_tcp(pair: Pair) -> None:
    """The kernel tells of each SYN whether it could send it again."""
    for rule in ("tcp dport 3000-65000", "tcp dport 22"):
        with table(pair.laptop, output(rule)):
            problem = the_problem(pair.laptop, WRONG)
        assert "this machine's own firewall drops TCP" in problem
    well_again(pair)


def test_what_another_program_loses_is_not_ours(pair: Pair) -> None:
    """This machine drops its SYNs, and something on the way eats ours: which is not certain."""
    many = (
        "import socket, time\n"
        "made = [socket.socket() for _ in range(200)]\n"
        "for one in made:\n"
        "    one.setblocking(False)\n"
        f"    one.connect_ex(('{pair.server.ipv4}', 443))\n"
        "    time.sleep(0.05)\n"
        "time.sleep(60)\n"
    )
    with (
        table(pair.laptop, output("tcp dport 443")),
        on_the_way(pair, "th dport {22, 3000-65000}"),
        pair.laptop.popen(["/usr/bin/python3", "-c", many]),
    ):
        problem = the_problem(pair.laptop, NOT_OPENED)
    assert "eats everything" in causes(problem)[1], problem
    well_again(pair)


def test_a_firewall_on_the_way_that_eats_udp(pair: Pair) -> None:
    """TCP knocks are answered and UDP knocks are not: that comes first, and only as likely."""
    with on_the_way(pair, "meta l4proto udp"):
        problem = the_problem(pair.laptop, NOT_OPENED)
    assert "eats UDP" in causes(problem)[0], problem
    assert "sshknock-server doctor" in problem
    well_again(pair)


def test_a_firewall_on_the_way_that_eats_all_knocks(pair: Pair) -> None:
    """SSH's port answers and none of the others does."""
    with on_the_way(pair, "th dport 3000-65000"):
        problem = the_problem(pair.laptop, NOT_OPENED)
    assert "eats the knocks" in causes(problem)[0], problem
    well_again(pair)


def test_a_server_that_is_down(pair: Pair) -> None:
    """Its cable is out: nobody answers for its address, and no sequence is spent."""
    before = pair.laptop.pairing()["sent"]
    pair.server.run(["ip", "link", "set", "eth0", "down"])
    pair.laptop.run(["ip", "neigh", "flush", "dev", "eth0"])  # or the kernel hopes for 8 s more
    try:
        problem = the_problem(pair.laptop, WRONG)
    finally:
        pair.server.run(["ip", "link", "set", "eth0", "up"])
        pair.server.run(["ip", "-6", "addr", "replace", f"{pair.server.ipv6}/64", "dev", "eth0"])
    assert "cannot be reached: no route to host" in problem
    assert pair.laptop.pairing()["sent"] == before
    eventually(lambda: pair.laptop.connects(pair.server.ipv4) == "refused", "the cable is in")
    well_again(pair)


def test_a_network_without_a_route(pair: Pair) -> None:
    """No way leads there."""
    pair.laptop.run(["ip", "route", "add", "unreachable", pair.server.ipv4])
    try:
        assert "no way leads to" in the_problem(pair.laptop, WRONG)
    finally:
        pair.laptop.run(["ip", "route", "del", "unreachable", pair.server.ipv4])
    well_again(pair)


@contextmanager
def host_of(laptop: Client, host: str, restored: str) -> Iterator[None]:
    """Let the pairing be for another host for a while."""
    laptop.sshknock("set", "myserver", f"host={host}")
    try:
        yield
    finally:
        laptop.sshknock("set", "myserver", f"host={restored}")


def test_a_name_that_no_one_knows(pair: Pair) -> None:
    """No address, no packet."""
    with host_of(pair.laptop, "nowhere.invalid", pair.server.ipv4):
        problem = the_problem(pair.laptop, WRONG)
    assert "cannot find the address of nowhere.invalid" in problem
    assert "DNS" in problem


def test_a_name_with_an_ipv6_address_that_is_dead(pair: Pair) -> None:
    """A login takes IPv6; only IPv4 opens: both are named, with the command that helps."""
    pair.laptop.append("/etc/hosts", f"{DEAD_IPV6} dual\n{pair.server.ipv4} dual\n")
    with host_of(pair.laptop, "dual", pair.server.ipv4):
        problem = the_problem(pair.laptop, WRONG)
    assert f"dual opens over IPv4 ({pair.server.ipv4}) and not over IPv6 ({DEAD_IPV6})" in problem
    assert f"sshknock set myserver host={pair.server.ipv4}" in problem
    well_again(pair)


def test_ssh_that_does_not_use_the_proxy(pair: Pair) -> None:
    """A line of the user's own comes first: named, and how to see it."""
    file = "/run/home/root/.ssh/config"
    before = pair.laptop.read(file)
    pair.laptop.put(file, "Host myserver\n    ProxyCommand nc %h %p\n" + before, 0o600)
    problem = the_problem(pair.laptop, WRONG)
    pair.laptop.put(file, before, 0o600)
    assert "'ssh myserver' does not go through sshknock-proxy" in problem
    pair.in_step()


@pytest.mark.long
def test_a_carrier_that_gives_the_connection_another_address(pair: Pair) -> None:
    """The knocks come from one address, the connection from another: likely, for ours is shared."""
    laptop, server = pair.laptop, pair.server
    laptop.run(["ip", "addr", "add", f"{CARRIER_ADDRESS}/32", "dev", "eth0"])
    laptop.run(["ip", "route", "add", server.ipv4, "dev", "eth0", "src", CARRIER_ADDRESS])
    server.run(["ip", "route", "add", CARRIER_ADDRESS, "via", laptop.ipv4])
    nat = "chain out {{ type nat hook postrouting priority srcnat; tcp dport 22 snat ip to {0}; }}"
    try:
        with table(laptop, nat.format(laptop.ipv4)):
            problem = the_problem(laptop, NOT_OPENED)
    finally:
        laptop.run(["ip", "route", "del", server.ipv4])
        laptop.run(["ip", "addr", "del", f"{CARRIER_ADDRESS}/32", "dev", "eth0"])
        server.run(["ip", "route", "del", CARRIER_ADDRESS])
    assert "the carrier gives the knocks another address" in causes(problem)[0], problem
    assert re.search(f"open +laptop +{CARRIER_ADDRESS}", server.sshknock("log").stdout)
    # Its admissions are still in the server's books until their time is over.
    server.sshknock("reconcile")
    # Each point of the doctor's search was accepted, unobserved: the server is windows ahead, and
    # only a run that happens to lose no train is sure to catch up with it at once.
    eventually(
        lambda: laptop.ssh("myserver", "true", check=False).code == 0,
        "the pair meets again within a few runs",
        timeout_s=60,
    )


def test_a_port_that_is_not_hidden(pair: Pair) -> None:
    """It answers a plain connection: said once for both families, and no sequence is spent."""
    before = pair.laptop.pairing()["sent"]
    pair.server.sshknock("uninstall", "--yes")
    pair.laptop.append("/etc/hosts", f"{pair.server.ipv6} both\n{pair.server.ipv4} both\n")
    with host_of(pair.laptop, "both", pair.server.ipv4):
        problem = the_problem(pair.laptop, WRONG)
    both = f"over IPv6 ({pair.server.ipv6}) and IPv4 ({pair.server.ipv4})"
    assert f"answers without a knock {both}: it is not hidden" in problem
    assert "if sshknock was uninstalled there: 'sshknock forget myserver'" in problem
    assert pair.laptop.pairing()["sent"] == before


def stop_engine(server: Server) -> None:
    """Kill knockd and whatever would start it again."""

    def nothing_left() -> bool:
        left = [pid for pid, command in server.processes().items() if "knock" in command]
        for pid in left:
            with suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        return not left

    eventually(nothing_left, "no engine, and nobody who would start one")


@pytest.mark.long
def test_what_only_the_server_can_tell(lab: Lab) -> None:
    """A dead engine, a rotated secret, a removed client: said as causes, with what decides."""
    pair = make_pair(lab)
    pair.laptop.ssh("myserver", "true")
    pair.in_step()

    stop_engine(pair.server)
    problem = the_problem(pair.laptop, NOT_OPENED)
    assert any("no engine, or no sshd, runs" in cause for cause in causes(problem)), problem
    assert "sshknock-server doctor" in problem
    pair.server.init()
    well_again(pair)

    second = lab.client("second")
    pair.server.sshknock("client", "rotate", "laptop", "--token-file", "/run/token")
    second.put("/run/home/root/token", pair.server.read("/run/token"), 0o600)
    second.sshknock("enroll", "myserver", "--token-file", "token", "--keyring", "file")
    second.sshknock("open", "myserver")
    assert "removed, disabled or rotated" in causes(the_problem(pair.laptop, NOT_OPENED))[0]

    second.sshknock("forget", "myserver")
    pair.server.sshknock("client", "remove", "laptop")
    pair.server.pair("laptop")
    second.sshknock("enroll", "myserver", "--token-file", "token", "--keyring", "file", "--again")
    assert "never opened for this pairing" in causes(the_problem(second, NOT_OPENED))[0]


def test_a_locked_keyring(lab: Lab) -> None:
    """Exit 4, and how to unlock it; the rest is looked at as far as it goes without a secret."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.put("/run/home/root/token", server.pair("laptop"), 0o600)
    script = (
        "sshknock enroll myserver --token-file token; sshknock ssh-config myserver --write; "
        f"{LOCK}; sshknock doctor myserver && exit 1; echo exit $?"
    )
    done: Completed = in_session(laptop, script)
    assert "exit 4" in done.stdout, done
    assert "problem  the keyring is locked" in done.stdout, done
    assert "unlock it" in done.stdout, done
    assert "refuses a connection without a knock" in done.stdout, done
    assert "no knock was sent" in done.stdout, done
