"""A server that has a stock knockd, and nothing of ours: what `push --conf` prints, pasted."""

from __future__ import annotations

import os
import signal

from tests.lab.lab import Lab
from tests.lab.packets import Knock
from tests.lab.waiting import eventually

LIST = "/etc/knockd/sequences"
RULES = "/etc/knocked.nft"
PLAIN_PORT = 2222
"""Where sshd listens too, and nobody hides it: the way of an administrator."""
_LOG = "/var/log/knockd.log"


class StockServer:
    """The server's knockd and firewall, and a laptop that knows the plain way there."""

    def __init__(self, lab: Lab) -> None:
        server, laptop = lab.server(), lab.client()
        self.lab, self.server, self.laptop = lab, server, laptop
        server.put("/etc/knockd.conf", "[options]\n    UseSyslog\n")
        server.stop_sshd()
        server.start_sshd("-o", "Port=22", "-o", f"Port={PLAIN_PORT}")
        laptop.trust(server, "myserver", f"[{server.ipv4}]:{PLAIN_PORT}")
        laptop.put(
            "/run/home/root/.ssh/config",
            f"Host plain\n  HostName {server.ipv4}\n  Port {PLAIN_PORT}\n",
        )

    def carry(self, *options: str, via: str = "root@plain") -> str:
        """Push by the plain way; what is said."""
        return self.laptop.sshknock("push", "myserver", "--via", via, *options).stdout

    def carry_first(self, *options: str, via: str = "root@plain") -> str:
        """Make the pairing, by a name that has both families of addresses."""
        told = self.carry(
            *("--host", "server", "--port", "22", "--keyring", "file", *options), via=via
        )
        self.laptop.sshknock("ssh-config", "myserver", "--write")
        return told

    def paste(self, firewall: str) -> None:
        """Do what `push --conf` prints: knockd.conf, and the firewall's rules."""
        printed = self.laptop.sshknock("push", "myserver", "--conf", firewall).stdout
        conf, mark, rules = printed.partition("# ==== 2 of 2: ")
        if firewall == "nft":
            assert f"nft -f {RULES} && systemctl restart knockd" in rules
            self.server.put(RULES, mark + rules)
            for _ in range(2):  # loading them again leaves them as they are
                self.server.run(["nft", "-f", RULES])
        else:
            self.server.run(["sh", "-ec", mark + rules])
        self.server.put("/etc/knockd.conf", conf.replace("UseSyslog", f"LogFile = {_LOG}"))

    def restart_knockd(self) -> None:
        """End it where it runs, start it, and wait until it listens."""
        for pid in self.server.processes("knockd"):
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: not self.is_running(), "knockd has ended")
        self.server.put(_LOG, "")
        self.server.popen(["/usr/sbin/knockd", "-c", "/etc/knockd.conf"])
        eventually(lambda: "listening" in self.server.read(_LOG), "knockd listens")

    def is_running(self) -> bool:
        """Whether there is a knockd."""
        return bool(self.server.processes("knockd"))

    def lines(self) -> list[str]:
        """The file's lines."""
        return self.server.read(LIST).splitlines()

    def decoys(self) -> list[Knock]:
        """The ports of the section that nobody knocks."""
        (line,) = (
            line for line in self.server.read("/etc/knockd.conf").splitlines() if "0:tcp," in line
        )
        words = line.partition("0:tcp,")[2].split(",")
        return [(int(word.partition(":")[0]), word.partition(":")[2]) for word in words]

    def used(self) -> int:
        """How many lines knockd has marked."""
        return sum(line.startswith("#") for line in self.lines())

    def log_in_until(self, used: int) -> None:
        """Log in until so many lines are used; where the port is still open it may use none."""
        while self.used() < used:
            self.laptop.ssh("myserver", "true")

    def is_shut(self) -> None:
        """Wait until the laptop needs a knock again."""
        eventually(lambda: self.laptop.connects(self.server.ipv4) == "refused", "it is shut")
