"""Many servers that are not enrolled yet, each with an open way to it, and the laptop for them."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import tomli

from tests.lab.client import Client
from tests.lab.faults_victims import supervisors
from tests.lab.host import Completed, Process
from tests.lab.lab import Lab
from tests.lab.server import Server
from tests.lab.waiting import eventually

INVENTORY = "inventory"
_BACK = "Host back-{name}\n    HostName {address}\n    Port 2222\n    User {user}\n"
_MEASURED = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    "sys.exit(code)\n"
)


class Fleet:
    """Servers `web0`, `web1` ... which are hidden; `ssh back-web0` gets there all the same."""

    def __init__(self, lab: Lab, size: int, *, quiet: bool = False) -> None:
        """With ``quiet`` the servers' supervisors stand still: many would take all of a machine."""
        self.laptop: Client = lab.client()
        self.servers: list[Server] = []
        for number in range(size):
            self.servers.append(self._made(lab, f"web{number}"))
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            list(workers.map(_set_up_quietly if quiet else _set_up, self.servers))
        self.put_inventory(*(server.name for server in self.servers))

    def _made(self, lab: Lab, name: str) -> Server:
        server = lab.server(name)
        server.stop_sshd()
        self.start_sshd(server)
        self.laptop.trust(server)
        key = f"[{server.ipv4}]:2222 {server.host_key}\n"
        self.laptop.append("/run/home/root/.ssh/known_hosts", key)
        self.go_as("root", server)
        return server

    def start_sshd(self, server: Server) -> None:
        """Start a server's sshd, for the hidden port and for the other one."""
        path = f"SetEnv=PATH={server.place.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        server.start_sshd("-p", "22", "-p", "2222", "-o", path)

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

    def ids(self) -> dict[str, str]:
        """Return the id of each pairing as the settings have it."""
        config = tomli.loads(self.laptop.read("/run/home/root/.config/sshknock/config.toml"))
        return {name: pairing["id"] for name, pairing in config["pairings"].items()}

    def interrupt(self, process: Process) -> None:
        """Type ^C."""
        os.kill(process.pid, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a command took: seconds, and megabytes at the peak."""

    seconds: float
    megabytes: float


def measured(fleet: Fleet, *words: str, timeout_s: float = 120) -> Cost:
    """Run sshknock to its end; it has to succeed."""
    started = time.perf_counter()
    python = ["/usr/bin/python3", "-ISc", _MEASURED, "sshknock", *words]
    done = fleet.laptop.run(python, timeout_s=timeout_s)
    return Cost(time.perf_counter() - started, int(done.stdout) / 1024)


def _set_up(server: Server) -> None:
    server.init("--timeout", "3s")


def _set_up_quietly(server: Server) -> None:
    _set_up(server)
    for pid in eventually(lambda: supervisors(server), "a supervisor runs", timeout_s=60):
        os.kill(pid, signal.SIGSTOP)
