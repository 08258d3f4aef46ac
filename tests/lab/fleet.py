"""Many servers that are not enrolled yet, each with an open way to it, and the laptop for them."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.lab.client import Client
from tests.lab.host import Completed, Process
from tests.lab.lab import Lab
from tests.lab.server import Server

INVENTORY = "inventory"
_BACK = "Host back-{name}\n    HostName {address}\n    Port 2222\n    User {user}\n"


class Fleet:
    """Servers `web0`, `web1` ... which are hidden; `ssh back-web0` gets there all the same."""

    def __init__(self, lab: Lab, size: int) -> None:
        self.laptop: Client = lab.client()
        self.servers: list[Server] = []
        for number in range(size):
            self.servers.append(self._made(lab, f"web{number}"))
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            list(workers.map(_set_up, self.servers))
        self.put_inventory(*(server.name for server in self.servers))

    def _made(self, lab: Lab, name: str) -> Server:
        server = lab.server(name)
        path = f"{server.place.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        server.stop_sshd()
        back = ("-p", "2222", "-o", "PidFile=/run/back.pid", "-o", f"SetEnv=PATH={path}")
        server.start_sshd("-p", "22", *back)  # one daemon for both ports
        self.laptop.trust(server)
        key = f"[{server.ipv4}]:2222 {server.host_key}\n"
        self.laptop.append("/run/home/root/.ssh/known_hosts", key)
        self.go_as("root", server)
        return server

    def go_as(self, user: str, server: Server) -> None:
        """Let `ssh back-NAME` log in as another user; the first such block counts."""
        config = "/run/home/root/.ssh/config"
        before = self.laptop.read(config) if self.laptop.path(config).exists() else ""
        block = _BACK.format(name=server.name, address=server.ipv4, user=user)
        self.laptop.put(config, block + before, 0o600)

    def put_inventory(self, *names: str) -> None:
        """Write a file with a line for each of these servers."""
        lines = [f"{name}  back-{name}  # by its back door\n" for name in names]
        self.laptop.put(f"/run/home/root/{INVENTORY}", "".join(lines))

    def enroll(self, *options: str, timeout_s: float = 120) -> tuple[Completed, dict[str, Any]]:
        """Run `enroll --inventory`; how it ended, and its summary."""
        words = ("enroll", "--inventory", INVENTORY, "--keyring", "file", *options)
        return self.run(*words, timeout_s=timeout_s)

    def run(self, *words: str, timeout_s: float = 120) -> tuple[Completed, dict[str, Any]]:
        """Run a command over several servers; how it ended, and its summary."""
        done = self.laptop.sshknock(*words, "--json", check=False, timeout_s=timeout_s)
        return done, json.loads(done.stdout)

    def start(self, *words: str) -> Process:
        """Start a command over several servers."""
        return self.laptop.popen(["sshknock", *words, "--json"])

    def interrupt(self, process: Process) -> None:
        """Type ^C."""
        os.kill(process.pid, signal.SIGINT)


def _set_up(server: Server) -> None:
    server.init("--timeout", "3s")
