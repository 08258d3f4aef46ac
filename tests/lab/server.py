"""A server of the lab: sshd with its real PAM stack, knockd, nft, and `sshknock-server`."""

from __future__ import annotations

import json
import signal
import socket
from typing import Any

from tests.lab.host import Completed, Host, Place, Process
from tests.lab.waiting import eventually

SSHD_CONFIG = """\
HostKey /etc/ssh/lab_host_key
PidFile /run/sshd.pid
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
LogLevel VERBOSE
"""


class Server(Host):
    """A host that runs sshd; `init` and `pair` make it a hidden one."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.add_user("alice")
        self.put("/etc/ssh/sshd_config", SSHD_CONFIG)
        self.run(
            ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/lab_host_key"]
        )
        self.host_key = self.read("/etc/ssh/lab_host_key.pub").strip()
        self.sshd: Process | None = None

    # sshd

    def start_sshd(self, *options: str) -> Process:
        """Start sshd with more options (`-o …`), after its own check, and wait until it listens."""
        self.run(["/usr/sbin/sshd", "-t", *options])
        with (self.place.logs / f"{self.name}-sshd.log").open("a") as log:
            self.sshd = self.popen(["/usr/sbin/sshd", "-D", "-e", *options], stdout=log, stderr=log)
        eventually(self._answers, "sshd answers")
        return self.sshd

    def stop_sshd(self) -> None:
        """End the listener; sessions go on."""
        assert self.sshd is not None
        self.sshd.signal(signal.SIGTERM)
        self.sshd.wait()

    @property
    def sshd_log(self) -> str:
        """All that sshd has written."""
        return (self.place.logs / f"{self.name}-sshd.log").read_text()

    def authorize(self, public_key: str, user: str = "root") -> None:
        """Let the holder of a key log in."""
        file = f"{self.users[user]}/.ssh/authorized_keys"
        known = self.read(file) if self.path(file).exists() else ""
        self.put(file, known + public_key.strip() + "\n", 0o600, user)

    # sshknock-server

    def sshknock(self, *arguments: str, check: bool = True, timeout_s: float = 30) -> Completed:
        """Run `sshknock-server`."""
        return self.run(["sshknock-server", *arguments], check=check, timeout_s=timeout_s)

    def init(self, *options: str, engine: str = "knockd") -> Completed:
        """Hide the SSH port, with the lab's way to run services (there is no systemd here)."""
        own = ("--engine", engine, "--service", "own", "--yes")
        return self.sshknock("init", *own, *options)

    def pair(self, name: str, *options: str, host: str | None = None) -> str:
        """Add a client; its token, which is read from the file it was written to."""
        file = f"/run/home/root/{name}.token"
        self.sshknock(
            "client", "add", name, "--host", host or self.ipv4, "--token-file", file, *options
        )
        token = self.read(file)
        self.path(file).unlink()
        return token

    def status(self) -> dict[str, Any]:
        """Read `sshknock-server status --json`."""
        status: dict[str, Any] = json.loads(self.sshknock("status", "--json").stdout)
        return status

    def pairing(self, name: str) -> dict[str, Any]:
        """What `status --json` says of one client."""
        (found,) = (one for one in self.status()["pairings"] if one["name"] == name)
        return dict(found)

    def ruleset(self, *, own: bool = False) -> list[dict[str, Any]]:
        """List the kernel's rules as nft prints them: of all tables but ours, or of ours alone."""
        listed = json.loads(self.run(["nft", "-j", "list", "ruleset"]).stdout)["nftables"]
        return [
            item
            for item in listed
            if "metainfo" not in item and (_table_of(item) == ("inet", "sshknock")) is own
        ]

    def elements(self, name: str) -> list[Any]:
        """List what is in a set of the product's table."""
        (found,) = (
            item["set"]
            for item in self.ruleset(own=True)
            if "set" in item and item["set"]["name"] == name
        )
        return list(found.get("elem", []))

    def keep_logs(self) -> None:
        """Add what the server knows: rules, sockets, the product's state, the files it wrote."""
        super().keep_logs()
        commands = {
            "nft": ["nft", "list", "ruleset"],
            "status": ["sshknock-server", "status", "--json"],
            "log": ["sshknock-server", "log"],
            "sockets": ["ss", "-tanp"],
        }
        for name, command in commands.items():
            self.write_log(name, str(self.run(command, check=False)))
        for file in ("/etc/knockd.conf", "/etc/pam.d/sshd", "/var/log/knockd.log"):
            if self.path(file).exists():
                octets = self.path(file).read_bytes()
                self.write_log(file.replace("/", "_"), octets.decode(errors="replace"))

    def _answers(self) -> bool:
        """Asked over loopback, which is never hidden."""
        with self.namespaces.network():
            probe = socket.socket()
        with probe:
            return probe.connect_ex(("127.0.0.1", 22)) == 0


def _table_of(item: dict[str, Any]) -> tuple[str, str]:
    (content,) = item.values()
    return content["family"], content["table"] if "table" in content else content["name"]
