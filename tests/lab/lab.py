"""The laboratory: hosts in namespaces, joined by a bridge, with the real programs on them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import TypeVar, final

from tests.lab.client import Client
from tests.lab.folders import OwnedFolder
from tests.lab.host import Host, Place
from tests.lab.install import Installation
from tests.lab.link import Link, send_whole_packets
from tests.lab.namespaces import Namespaces
from tests.lab.server import Server
from tests.lab.wire import INTERFACE

FOLDERS = Path("/tmp")
PREFIX = "sshknock-lab-"
LINK_UP = """
ip link set lo up
ip link set {device} up
"""
CABLE = """
ip link set {port} nomaster
ip link add line{number} type veth peer name plug{number}
for device in {port} line{number} plug{number}; do
    echo 1 > /proc/sys/net/ipv6/conf/$device/disable_ipv6
done
ip link set line{number} up
ip link set plug{number} up
ip link set plug{number} master br0
"""
# One address for several hosts: a router on a stick, over which they reach the rest of the lab.
ROUTER = """
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects
nft -f - <<END
table ip nat {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {{ {inside} }} masquerade
  }}
}}
END
"""
HostT = TypeVar("HostT", bound=Host)


@final
class Lab:
    """Hosts on one link, made as they are asked for and all gone when the context ends.

                     +------------------ bridge ------------------+
                     |           br0  10.77.0.1, fd00:77::1       |
                     +------+-------------+--------------+--------+
                            |             |              |
        +-------------------+--+  +-------+----------+  +-+------------------+
        | server          eth0 |  | laptop      eth0 |  | attacker      eth0 |
        |         10.77.0.10   |  |     10.77.0.11   |  |       10.77.0.12   |
        |         fd00:77::10  |  |     fd00:77::11  |  |       fd00:77::12  |
        | sshd, knockd, nft    |  | ssh, sshknock    |  | nmap, raw packets  |
        +----------------------+  +------------------+  +--------------------+

    Each box is a network, PID and mount namespace of its own; none has a name outside, so labs can
    run side by side with the same addresses.  The bridge is everybody's default route and forwards
    nothing.  Addresses follow the order in which the hosts are made.

        with Lab(installation) as lab:
            server = lab.server()
            laptop = lab.client("laptop")
            server.init()
            laptop.enroll(server, "myserver")
            laptop.ssh("myserver", "true")
    """

    def __init__(self, installation: Installation | None = None) -> None:
        """Without an installation the hosts are bare: no program of the product is on them."""
        self.installation = installation
        self.hosts: dict[str, Host] = {}
        self._links: dict[str, Link] = {}

    def __enter__(self) -> Lab:
        self._folder = OwnedFolder(FOLDERS, PREFIX)
        self.logs = self._folder.path
        self._bridge = Namespaces(mounts=False)
        _configure(
            self._bridge,
            "ip link add br0 type bridge mcast_snooping 0\n"
            "echo 0 > /proc/sys/net/ipv6/conf/br0/accept_dad\n"
            + LINK_UP.format(device="br0")
            + "ip addr add 10.77.0.1/24 dev br0\n"
            "ip -6 addr add fd00:77::1/64 dev br0 nodad\n",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for link in self._links.values():
            link.close()
        for host in self.hosts.values():
            host.close()
        self._bridge.close()
        self._folder.remove()

    def host(self, name: str) -> Host:
        """A bare host: an attacker, a third machine."""
        return self._add(name, Host)

    def server(self, name: str = "server") -> Server:
        """A host with sshd running, users root and alice; the product is there but not set up."""
        server = self._add(name, Server)
        server.start_sshd()
        return server

    def bare_server(self, name: str = "server") -> Server:
        """A host with sshd running, without the product, where it can be installed."""
        installation, self.installation = self.installation, None
        try:
            server = self.server(name)
        finally:
            self.installation = installation
        for folder in ("/opt", "/usr/local/sbin"):  # of the machine, otherwise
            server.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", folder])
        return server

    def client(self, name: str = "laptop") -> Client:
        """A host with a user's ssh key; the product is there, no pairing yet."""
        return self._add(name, Client)

    def link(self, host: Host) -> Link:
        """Put an emulator into a host's cable; the line is clean until it is told otherwise."""
        if host.name not in self._links:
            port = _port(host)
            number = host.place.number
            send_whole_packets(host.namespaces, INTERFACE)
            _configure(self._bridge, CABLE.format(port=port, number=number))
            send_whole_packets(self._bridge, f"plug{number}")
            self._links[host.name] = Link(self._bridge, port, f"line{number}")
        return self._links[host.name]

    def nat(self, *inside: Host, outside: Host) -> Host:
        """A router that shows hosts to another one under its own IPv4 address."""
        router = self.host("router")
        addresses = ", ".join(host.ipv4 for host in inside)
        _configure(router.namespaces, ROUTER.format(inside=addresses))
        for host in inside:
            host.run(["ip", "route", "add", outside.ipv4, "via", router.ipv4])
        return router

    def keep_logs(self, folder: Path) -> None:
        """Copy everything that tells what happened to `folder`, which is replaced."""
        for host in self.hosts.values():
            host.keep_logs()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.logs, folder)

    def _add(self, name: str, kind: type[HostT]) -> HostT:
        if name in self.hosts:
            raise ValueError(f"there is a host {name} already")
        number = 10 + len(self.hosts)
        place = Place(
            name=name,
            number=number,
            ipv4=f"10.77.0.{number}",
            ipv6=f"fd00:77::{number}",
            mac=f"02:77:00:00:00:{number:02x}",
            logs=self.logs,
            programs=self.installation.programs if self.installation else None,
        )
        host = kind(place)
        self.hosts[name] = host
        self._join(host)
        for other in self.hosts.values():
            other.append("/etc/hosts", f"{host.ipv4} {name}\n{host.ipv6} {name}\n")
            if other is not host:
                host.append("/etc/hosts", f"{other.ipv4} {other.name}\n{other.ipv6} {other.name}\n")
        return host

    def _join(self, host: Host) -> None:
        """A cable from the host's eth0 to the bridge."""
        port = _port(host)
        _ip(
            f"link add {INTERFACE} address {host.place.mac} netns {host.namespaces.pid} "
            f"type veth peer name {port} netns {self._bridge.pid}"
        )
        _configure(self._bridge, f"ip link set {port} master br0\nip link set {port} up\n")
        _configure(
            host.namespaces,
            f"echo 0 > /proc/sys/net/ipv6/conf/{INTERFACE}/accept_dad\n"
            f"echo 0 > /proc/sys/net/ipv6/conf/{INTERFACE}/accept_ra\n"
            + LINK_UP.format(device=INTERFACE)
            + f"ip addr add {host.ipv4}/24 dev {INTERFACE}\n"
            f"ip -6 addr add {host.ipv6}/64 dev {INTERFACE} nodad\n"
            "ip route add default via 10.77.0.1\n"
            "ip -6 route add default via fd00:77::1\n",
        )


def _port(host: Host) -> str:
    """The bridge's end of a host's cable."""
    return f"port{host.place.number}"


def _ip(arguments: str) -> None:
    subprocess.run(["/usr/sbin/ip", *arguments.split()], check=True)


def _configure(namespaces: Namespaces, script: str) -> None:
    subprocess.run(
        namespaces.enter(["/bin/sh", "-ec", script]),
        check=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        cwd="/",
    )
