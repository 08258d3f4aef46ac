"""Ways to log in through a hidden port, each on a server of its own, for one client.

Ours, and those of two programs that Debian has; the same sshd behind all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lab import Client, Completed, Lab, Server, eventually

KNOCKS = ("7000", "8000", "9000")
STOCK_KNOCKD = f"""\
[options]
	interface = eth0
[open]
	sequence = {",".join(KNOCKS)}
	seq_timeout = 5
	tcpflags = syn
	start_command = /usr/sbin/nft 'add element inet stock open {{ %IP% timeout 10s }}'
"""
STOCK_TABLE = """\
table inet stock {
  set open { type ipv4_addr; flags timeout; }
  chain input {
    type filter hook input priority 0;
    ct state established accept
    tcp dport 22 ip saddr != @open iif != lo drop
  }
}
"""
FWKNOPD_CONF = "PCAP_INTF eth0;\nENABLE_PCAP_PROMISC N;\n"
FWKNOPD_ACCESS = """\
SOURCE ANY
OPEN_PORTS tcp/22
KEY_BASE64 {KEY_BASE64}
HMAC_KEY_BASE64 {HMAC_KEY_BASE64}
FW_ACCESS_TIMEOUT 10
"""
FWKNOPRC = """\
[default]
[spa]
SPA_SERVER {server}
ACCESS tcp/22
ALLOW_IP {client}
USE_HMAC Y
KEY_BASE64 {KEY_BASE64}
HMAC_KEY_BASE64 {HMAC_KEY_BASE64}
"""
FWKNOPD_RULES = (
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-A INPUT -p tcp --dport 22 -j DROP",
)


@dataclass(frozen=True, slots=True)
class Way:
    """How to log in once, and what shuts the door behind it so that the next login has to knock."""

    name: str
    log_in: Callable[[], Completed]
    shut: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Ssh:
    """Plain `ssh HOST true`, which gives up after some seconds."""

    client: Client
    patience_s: int

    def to(self, host: str) -> Completed:
        """Log in; whether it succeeded is in the exit code."""
        options = ("-o", f"ConnectTimeout={self.patience_s}")
        return self.client.ssh(*options, host, "true", check=False, timeout_s=300)


def direct(lab: Lab, ssh: Ssh) -> Way:
    """No knock at all: a server whose port is open."""
    server = lab.server("open")
    ssh.client.trust(server)
    return Way("direct ssh", lambda: ssh.to(server.ipv4))


def hidden(lab: Lab, ssh: Ssh) -> Way:
    """`ssh hidden`, with sshknock-proxy as its ProxyCommand."""
    server = lab.server("hidden")
    server.init()
    ssh.client.enroll(server, "hidden")
    return Way("sshknock", lambda: ssh.to("hidden"))


def stock(lab: Lab, ssh: Ssh) -> Way:
    """`knock HOST ... && ssh HOST`: a stock knockd that opens the port for 10 s to three knocks."""
    client, server = ssh.client, lab.server("stock")
    client.trust(server)
    server.put("/etc/stock.conf", STOCK_KNOCKD)
    server.run(["nft", "-f", "-"], input=STOCK_TABLE)
    server.popen(["/usr/sbin/knockd", "-4", "-c", "/etc/stock.conf"])

    def knock() -> Completed:
        return client.run(["/usr/bin/knock", server.ipv4, *KNOCKS])

    def log_in() -> Completed:
        knock()
        return ssh.to(server.ipv4)

    def shut() -> None:
        server.run(["nft", "flush", "set", "inet", "stock", "open"])

    _await_opening(client, server, knock)
    shut()
    return Way("knock && ssh", log_in, shut)


def spa(lab: Lab, ssh: Ssh) -> Way:
    """`fwknop -n NAME && ssh HOST`: one signed packet opens the port for 10 s."""
    client, server = ssh.client, lab.server("spa")
    client.trust(server)
    made = client.run(["/usr/bin/fwknop", "--key-gen", "--use-hmac"]).stdout
    keys = dict(line.split(": ", 1) for line in made.splitlines() if "KEY_BASE64: " in line)
    server.put("/etc/fwknop/access.conf", FWKNOPD_ACCESS.format(**keys), 0o600)
    server.put("/etc/fwknop/fwknopd.conf", FWKNOPD_CONF, 0o600)
    rc = FWKNOPRC.format(server=server.ipv4, client=client.ipv4, **keys)
    client.put("/run/home/root/.fwknoprc", rc, 0o600)
    for rule in FWKNOPD_RULES:
        server.run(["/usr/sbin/iptables", *rule.split()])
    server.popen(["/usr/sbin/fwknopd", "--foreground"])

    def knock() -> Completed:
        return client.run(["/usr/bin/fwknop", "-n", "spa"])

    def log_in() -> Completed:
        knock()
        return ssh.to(server.ipv4)

    def shut() -> None:
        server.run(["/usr/sbin/iptables", "-F", "FWKNOP_INPUT"])

    _await_opening(client, server, knock)
    shut()
    return Way("fwknop && ssh", log_in, shut)


def _await_opening(client: Client, server: Server, knock: Callable[[], object]) -> None:
    """Wait until the daemon is up and opens the port."""

    def opened() -> bool:
        knock()
        return client.connects(server.ipv4) == "open"

    eventually(opened, f"{server.name} opens", timeout_s=30)
