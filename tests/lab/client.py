"""A client of the lab: a user's machine with ssh and `sshknock`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.token import Token
from tests.lab.host import Completed, Host, Place
from tests.lab.packets import Knock
from tests.lab.server import Server

KEY = "/run/home/root/.ssh/id_ed25519"


class Client(Host):
    """A host whose root is the user; he has an ssh key, and `enroll` pairs him with a server."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.tokens: dict[str, Token] = {}
        self.path(KEY).parent.mkdir(mode=0o700)
        self.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", KEY])
        self.public_key = self.read(f"{KEY}.pub").strip()

    # sshknock

    def sshknock(
        self,
        *arguments: str,
        check: bool = True,
        timeout_s: float = 30,
        env: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run `sshknock`."""
        return self.run(["sshknock", *arguments], check=check, timeout_s=timeout_s, env=env)

    def enroll(
        self,
        server: Server,
        name: str = "myserver",
        *options: str,
        pairing: str | None = None,
        host: str | None = None,
        keyring: str = "file",
    ) -> None:
        """Go from nothing to `ssh name`.

        A pairing on the server (called after this host, or `pairing`), its token here, the Host
        block, the ssh key, the known host.
        """
        address = host or server.ipv4
        token = server.pair(pairing or self.name, *options, host=address)
        self.tokens[name] = Token.decode(token)
        self.put("/run/home/root/token", token, 0o600)
        self.sshknock("enroll", name, "--token-file", "token", "--keyring", keyring)
        self.path("/run/home/root/token").unlink()
        self.sshknock("ssh-config", name, "--write")
        self.trust(server, name, address)

    def trust(self, server: Server, *names: str) -> None:
        """Let the key in as every user of the server, and know the server's key by these names."""
        for user in server.users:
            server.authorize(self.public_key, user)
        self.path("/run/home/root/.ssh/known_hosts").touch()
        known = {*names, server.name, server.ipv4, server.ipv6}
        lines = [f"{name} {server.host_key}\n" for name in known]
        self.append("/run/home/root/.ssh/known_hosts", "".join(lines))

    def train(self, counter: int, purpose: str = "open", name: str = "myserver") -> list[Knock]:
        """Work out the knocks of a counter."""
        token = self.tokens[name]
        sequence = derive(token.secret, Purpose(purpose), counter, token.parameters)
        return [(knock.port, knock.transport.value) for knock in sequence]

    def ssh(
        self,
        *arguments: str,
        check: bool = True,
        timeout_s: float = 30,
        input: str | None = None,  # noqa: A002 - as in Host.run
    ) -> Completed:
        """Run ssh; it never asks anything."""
        command = ["ssh", "-o", "BatchMode=yes", *arguments]
        return self.run(command, check=check, timeout_s=timeout_s, input=input)

    def status(self) -> dict[str, Any]:
        """Read `sshknock status --json`."""
        status: dict[str, Any] = json.loads(self.sshknock("status", "--json").stdout)
        return status

    def pairing(self, name: str = "myserver") -> dict[str, Any]:
        """What `status --json` says of one server."""
        (found,) = (one for one in self.status()["pairings"] if one["name"] == name)
        return dict(found)

    def keep_logs(self) -> None:
        """Add what the client knows."""
        super().keep_logs()
        self.write_log("status", str(self.sshknock("status", "--json", check=False)))
        config = self.run(["sh", "-c", "cat ~/.ssh/config ~/.ssh/*/*.conf"], check=False)
        self.write_log("ssh_config", str(config))
