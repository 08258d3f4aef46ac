"""The Debian package, installed, upgraded and removed by dpkg on a server of the lab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Client, Installation, Lab, Server, eventually
from tests.lab.conftest import _labs
from tests.lab.host import Completed
from tests.lab.install import CHECKOUT

pytestmark = pytest.mark.lab

# Everything but /usr is a host's own anyway. What the machine itself may have of ours is not there.
OWN_USR = """
mkdir -p /run/lab/usr/upper /run/lab/usr/work
mount -t overlay overlay /usr \
    -o lowerdir=/usr,upperdir=/run/lab/usr/upper,workdir=/run/lab/usr/work
rm -f /usr/local/sbin/sshknock-server
"""
PACKAGE = "/run/home/root/sshknock-server.deb"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built of this checkout."""
    folder = tmp_path_factory.mktemp("deb")
    subprocess.run(
        [CHECKOUT / "contrib/deb.sh", folder],
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
        stdout=subprocess.PIPE,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture
def lab(request: pytest.FixtureRequest, installation: Installation, package: Path) -> Iterator[Lab]:
    """A server that has the package and nothing else of ours, and a laptop."""
    for open_lab in _labs(request.config, None):
        lab = open_lab()
        server = lab.server()
        server.run(["sh", "-ec", OWN_USR])
        shutil.copy(package, server.path(PACKAGE))
        dpkg(server, "--install", PACKAGE)
        lab.installation = installation
        lab.client()
        yield lab


def dpkg(server: Server, *arguments: str, check: bool = True) -> Completed:
    """Run dpkg there; no manuals are indexed meanwhile, for that takes long."""
    return server.run(["dpkg", "--no-triggers", *arguments], check=check, timeout_s=60)


def hosts(lab: Lab) -> tuple[Server, Client]:
    """The two of them."""
    server, laptop = lab.hosts.values()
    assert isinstance(server, Server)
    assert isinstance(laptop, Client)
    return server, laptop


def test_a_server_from_the_package_alone(lab: Lab) -> None:
    """With Debian's click and rich: hidden, knocked for, upgraded in place, all well after it."""
    server, laptop = hosts(lab)
    assert server.run(["which", "sshknock-server"]).stdout == "/usr/sbin/sshknock-server\n"
    server.init()
    laptop.enroll(server)
    assert laptop.connects(server.ipv4) == "refused"
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    assert " /usr/bin/python3 -ISB /usr/share/sshknock/" in server.read("/etc/pam.d/sshd")
    assert "laptop" in server.sshknock("status").stdout
    before = server.read("/run/sshknock/watch.pid")
    dpkg(server, "--install", PACKAGE)
    assert server.read("/run/sshknock/watch.pid") != before, "the supervisor is the new program"
    assert laptop.connects(server.ipv4) == "refused"
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"
    done = server.sshknock("doctor", check=False, timeout_s=60)
    assert done.code == 0, done


def test_a_package_that_is_removed_shows_the_port(lab: Lab) -> None:
    """Nobody is locked out, nothing runs on, and every file is as it was before."""
    server, laptop = hosts(lab)
    before = [server.read(path) for path in ("/etc/pam.d/sshd", "/etc/knockd.conf")]
    server.init()
    assert laptop.connects(server.ipv4) == "refused"
    dpkg(server, "--remove", "sshknock-server")
    assert laptop.connects(server.ipv4) == "open"
    eventually(lambda: not server.processes("python3"), "the supervisor is gone")
    assert not server.processes("knockd")
    after = [server.read(path) for path in ("/etc/pam.d/sshd", "/etc/knockd.conf")]
    assert after == before
    assert not server.path("/usr/share/sshknock").exists()
    assert server.run(["nft", "list", "tables"]).stdout == ""


@pytest.mark.long
def test_a_package_stays_when_the_port_cannot_be_shown(lab: Lab) -> None:
    """Its program is what can still show it: dpkg gives up, and all works on."""
    server, laptop = hosts(lab)
    server.init()
    laptop.enroll(server)
    nft = server.path("/usr/sbin/nft")
    aside = nft.rename(nft.with_name("nft.aside"))
    done = dpkg(server, "--remove", "sshknock-server", check=False)
    aside.rename(nft)
    assert done.code != 0
    assert "the package stays" in done.stderr
    assert laptop.connects(server.ipv4) == "refused"
    assert laptop.ssh("myserver", "echo in").stdout == "in\n"


@pytest.mark.long
def test_a_package_stays_while_sshd_runs_its_program(lab: Lab) -> None:
    """Without it every login of these users would fail, on a visible port as well."""
    server, laptop = hosts(lab)
    told = server.init("--hook", "forcecommand").stdout
    (command,) = (line.strip() for line in told.splitlines() if " ForceCommand /" in line)
    settings = server.read("/etc/ssh/sshd_config")
    server.append("/etc/ssh/sshd_config", f"Match User alice\n    {command}\n")
    server.stop_sshd()
    server.start_sshd()
    laptop.enroll(server)
    done = dpkg(server, "--remove", "sshknock-server", check=False)
    assert done.code != 0
    assert "take its ForceCommand line out of sshd_config and reload sshd first" in done.stderr
    assert laptop.connects(server.ipv4) == "refused"
    assert laptop.ssh("alice@myserver", "echo in").stdout == "in\n"
    server.put("/etc/ssh/sshd_config", settings)
    dpkg(server, "--remove", "sshknock-server")
    assert laptop.connects(server.ipv4) == "open"
