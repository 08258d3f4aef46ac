"""The two servers of the paper's play: one of ours, and a stock knockd with files of sequences.

Both stand behind the paper's firewall, which is silent about every port but the web server's.
"""

from __future__ import annotations

import subprocess
from typing import Protocol

from sshknock.protocol.token import Token
from tests.lab import Host, Lab, Server, eventually
from tests.lab.demo.stage import Stage

USER = "alice"
_HOME = f"/run/home/{USER}"
_FIREWALL = """\
table inet filter {{
  set ssh {{ type ipv4_addr; }}
  chain input {{
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    icmp type echo-request accept
    tcp dport {ports} accept
    ip saddr @ssh tcp dport 22 accept
  }}
}}
"""
_KNOCKD_CONF = """\
[options]
  LogFile = /var/log/knockd.log
[openSSH]
  one_time_sequences = /etc/knockd/open
  seq_timeout = 2
  tcpflags = syn,!ack
  start_command = /usr/sbin/nft add element inet filter ssh { %IP% }
[closeSSH]
  one_time_sequences = /etc/knockd/close
  seq_timeout = 2
  tcpflags = syn,!ack
  start_command = /usr/sbin/nft delete element inet filter ssh { %IP% }
"""


class PaperServer(Protocol):
    """What the play asks of either."""

    host: Server

    def sequence(self, purpose: str, number: int) -> str:
        """Return the sequence of an `open` or `close`, from 0 on, in the words of `knock`."""

    def is_ready_to_close(self) -> None:
        """Return when the daemon listens for the close sequence."""


class OurServer:
    """Client and server derive the same sequences: the third way of the paper's section II.D."""

    def __init__(self, stage: Stage, lab: Lab, laptop: Host) -> None:
        self.host, self._laptop, self._stage = _web_server(lab, "server"), laptop, stage
        _acquaint(laptop, self.host)
        _firewall(stage, self.host, "{ 22, 80 }", "its firewall lets ports 22 and 80 in")
        options = "--admit timed --timeout 10m --refuse drop --service own --yes"
        stage.run(self.host, f"sshknock-server init {options}")
        stage.run(self.host, "sshknock-server client add laptop --token-file laptop.token")
        token = Token.decode(self.host.read("/run/home/root/laptop.token"))
        laptop.put(f"{_HOME}/secret", token.secret.hex() + "\n", 0o600, USER)
        stage.say(f"(the secret in the token goes to {USER}, once; no sequence ever does)")

    def sequence(self, purpose: str, number: int) -> str:
        """Derived by the client, without asking the server."""
        command = f"sshknock derive --secret-file secret --counter {number}"
        if purpose != "open":
            command += f" --purpose {purpose}"
        sequence = self._stage.run(self._laptop, command, user=USER).stdout.strip()
        same = sequence.replace(" ", ",") in self.host.read("/etc/knockd.conf")
        self._stage.claim(same, "it is in the server's knockd.conf: the server has made the same")
        return sequence

    def is_ready_to_close(self) -> None:
        """The hook has told the supervisor, which has replaced the daemon."""
        self.host.sshknock("reconcile")


class StockServer:
    """Files of sequences go there by scp: the first way of the paper's section II.D."""

    def __init__(self, stage: Stage, lab: Lab, laptop: Host) -> None:
        self.host, self._laptop, self._stage = _web_server(lab, "stock"), laptop, stage
        server = self.host
        _acquaint(laptop, server)
        for purpose in ("open", "close"):
            stage.run(laptop, f"sshknock generate --count 10 --knocks 5 -o {purpose}", user=USER)
        stage.run(laptop, "head -n 3 open", user=USER)
        server.path("/etc/knockd").mkdir(mode=0o700)
        stage.run(laptop, f"scp -q open close root@{server.ipv4}:/etc/knockd/", user=USER)
        server.put("/etc/knockd.conf", _KNOCKD_CONF)
        stage.run(server, "cat /etc/knockd.conf")
        stage.run(server, "knockd -d -i eth0")
        log = "/var/log/knockd.log"
        eventually(lambda: "listening" in server.read(log), "knockd listens")
        _firewall(stage, server, "80", "its firewall lets port 80 in, and to 22 whom knockd admits")

    def sequence(self, purpose: str, number: int) -> str:
        """The next line of the laptop's copy."""
        command = f"sed -n {number + 1}p {purpose} | tr , ' '"
        return self._stage.run(self._laptop, command, user=USER).stdout.strip()

    def is_ready_to_close(self) -> None:
        """It always is."""


def make_laptop(lab: Lab) -> Host:
    """A client with an ordinary user, who has an ssh key."""
    laptop = lab.host("laptop")
    laptop.add_user(USER)
    if lab.installation is not None:
        lab.installation.share_with_users(laptop)
    laptop.put("/etc/resolv.conf", "nameserver 127.0.0.1\n")  # nmap warns if there is none
    key = f"{_HOME}/.ssh/id_ed25519"
    laptop.put(f"{_HOME}/.ssh/known_hosts", "", 0o600, USER)
    laptop.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], user=USER)
    return laptop


def _acquaint(laptop: Host, server: Server) -> None:
    """Let the server know the user's key, and the user the server's."""
    server.authorize(laptop.read(f"{_HOME}/.ssh/id_ed25519.pub"))
    laptop.append(f"{_HOME}/.ssh/known_hosts", f"{server.ipv4} {server.host_key}\n")


def _web_server(lab: Lab, name: str) -> Server:
    """A server with sshd, and one that answers HTTP on port 80."""
    server = lab.server(name)
    server.path("/run/www").mkdir()
    serve = ["/usr/bin/python3", "-ISm", "http.server", "80", "--directory", "/run/www"]
    server.popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: server.connects("127.0.0.1", 80) == "open", "the web server answers")
    return server


def _firewall(stage: Stage, server: Server, ports: str, text: str) -> None:
    server.run(["nft", "-f", "-"], input=_FIREWALL.format(ports=ports))
    stage.say(f"({text}, and is silent about all others)")
