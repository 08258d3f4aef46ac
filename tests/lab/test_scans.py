"""Whatever kind of scan: the hidden port looks like the closed ports beside it."""

from __future__ import annotations

import pytest

from tests.lab import Host, Lab, Server
from tests.lab.conftest import OpenLab

pytestmark = pytest.mark.lab

SCANS = ("-sS", "-sT", "-sF", "-sN", "-sX", "-sA", "-sW", "-sM", "--scanflags=SYNFIN")
SILENT_HOST = """\
table inet admin {
  chain input {
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport 22 accept
  }
}
"""


@pytest.fixture(scope="module", params=["a host that resets", "a host that is silent"])
def scanned(request: pytest.FixtureRequest, open_module_lab: OpenLab) -> tuple[Server, Host]:
    """A hidden server, with or without a firewall that drops, and a scanner."""
    lab: Lab = open_module_lab()
    server = lab.server()
    if request.param == "a host that is silent":
        server.run(["nft", "-f", "-"], input=SILENT_HOST)
    server.init()
    return server, lab.host("scanner")


@pytest.mark.parametrize("scan", SCANS)
def test_the_hidden_port_looks_like_its_neighbours(scanned: tuple[Server, Host], scan: str) -> None:
    """Nmap says the same of 21, 22 and 23."""
    server, scanner = scanned
    done = scanner.run(
        ["nmap", "-n", "-Pn", scan, "--max-retries", "1", "-p", "21-23", "-oG", "-", server.ipv4]
    )
    (line,) = (text for text in done.stdout.splitlines() if "Ports:" in text)
    states = [part.split("/")[1] for part in line.partition("Ports: ")[2].split(", ")]
    assert len(states) == 3
    assert len(set(states)) == 1, line


def test_logins_still_work_on_a_silent_host(lab: Lab) -> None:
    """The firewall of others decides first, and ours lets in who knocked."""
    server = lab.server()
    server.run(["nft", "-f", "-"], input=SILENT_HOST)
    laptop = lab.client()
    server.init()
    laptop.enroll(server)
    assert laptop.connects(server.ipv4, timeout_s=0.3) == "silent"
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
