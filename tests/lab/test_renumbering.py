"""The server gets other addresses: a lease that ends, a provider that renumbers its IPv6."""

from __future__ import annotations

import json

import pytest

from tests.lab import Lab, Server, eventually
from tests.lab.conftest import Pair

pytestmark = pytest.mark.lab

NEW = {4: ("10.77.0.200", 24), 6: ("fd00:77:0:1::200", 64)}


def renumber(server: Server, laptop_address: str, version: int) -> str:
    """Give the server another address and take the old one; the new one."""
    old = server.ipv4 if version == 4 else server.ipv6
    new, length = NEW[version]
    if version == 4:
        # Without this the kernel would take the addresses that were added later along.
        server.run(["sysctl", "-q", "-w", "net.ipv4.conf.eth0.promote_secondaries=1"])
    server.run(["ip", "addr", "add", f"{new}/{length}", "dev", "eth0", *["nodad"][: version == 6]])
    server.run(["ip", "addr", "del", f"{old}/{length}", "dev", "eth0"])
    if version == 6:
        server.run(["ip", "-6", "route", "replace", f"{laptop_address}/128", "dev", "eth0"])
    return new


def listens_on(server: Server) -> str:
    """The addresses that the newest knockd was started for: the first line of its file."""
    files = [line.split(" -c ")[1] for line in server.processes("knockd").values()]
    newest = max(files, key=lambda file: server.path(file).stat().st_mtime)
    return server.read(newest).splitlines()[0]


def hosts_check(server: Server) -> tuple[str, str]:
    """What the doctor says of the addresses that clients were told: level and text."""
    told = json.loads(server.sshknock("doctor", "--json", timeout_s=60).stdout)
    (found,) = (one for one in told["findings"] if one["check"] == "hosts")
    return found["level"], found["what"]


@pytest.mark.parametrize("version", [4, 6])
def test_a_login_over_the_new_address(lab: Lab, version: int) -> None:
    """A knockd reads addresses once: within the timer's 15 s another one runs, for the new ones."""
    server, laptop = lab.server(), lab.client()
    server.init()
    laptop.enroll(server, host=server.ipv4 if version == 4 else server.ipv6)
    pair = Pair(lab, server, laptop)
    laptop.ssh("myserver", "true")
    pair.in_step()
    mine = laptop.ipv4 if version == 4 else laptop.ipv6
    new = renumber(server, mine, version)
    if version == 6:
        laptop.run(["ip", "-6", "route", "add", f"{new}/128", "dev", "eth0"])
    eventually(lambda: new in listens_on(server), "a knockd for the new address", timeout_s=25)
    level, told = hosts_check(server)
    assert level == "note"
    assert "laptop knows this server as" in told
    laptop.sshknock("set", "myserver", f"host={new}")
    laptop.trust(server, new)
    client, _, address, _ = laptop.ssh("myserver", "echo $SSH_CONNECTION").stdout.split()
    assert (client, address) == (mine, new)
    pair.in_step()
    assert server.pairing("laptop")["last_address"] == mine
    assert laptop.connects(new) == "refused"
