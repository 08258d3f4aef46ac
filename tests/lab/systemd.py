"""A server of the lab whose first process is a real systemd."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.lab.cgroup import Cgroup
from tests.lab.namespaces import children
from tests.lab.server import Server
from tests.lab.waiting import eventually

SYSTEMD = "/lib/systemd/systemd"

# The machine's own files below, what is written above; /etc and the homes are the lab host's. No
# unit of the machine is started but what multi-user.target itself is made of; ours are.
ROOT = f"""
set -e
mkdir -p /run/booted
mount -t tmpfs lab /run/booted
cd /run/booted
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t tmpfs -o mode=755 lab root/run
mount -t tmpfs lab root/tmp
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount -t cgroup2 cgroup2 root/sys/fs/cgroup
mount --bind /dev root/dev
mount --bind /etc root/etc
mount --bind /var/lib root/var/lib
mkdir root/run/home
mount --bind /run/home root/run/home
find root/etc/systemd/system/*.wants -type l ! -name 'sshknock*' -delete
exec chroot root /usr/bin/env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    {SYSTEMD} --unit=multi-user.target --show-status=no
"""


def boot(server: Server) -> None:
    """Boot systemd on a server; from here on all that runs on it runs under that systemd."""
    server.stop_sshd()
    _boot(server)


def reboot(server: Server) -> None:
    """Cut a booted server's power: no process, no rule and no file in /run is left. Boot again."""
    os.kill(server.namespaces.pid, signal.SIGKILL)
    _move_to(server, children(server.namespaces.first)[0])
    server.run(["nft", "flush", "ruleset"])
    _boot(server)


def _boot(server: Server) -> None:
    cgroup = Cgroup()
    server.at_close(cgroup.remove)
    unshare = ["unshare", "-m", "-p", "-f", "-C", "-i", "--propagation", "private"]
    started = server.popen(
        cgroup.joined([*unshare, "sh", "-c", ROOT]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def first_process() -> int | None:
        assert started.running, "systemd could not be started"
        todo = children(started.popen.pid)
        while todo:
            pid = todo.pop()
            with suppress(FileNotFoundError, ProcessLookupError):  # a program of the script's
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(SYSTEMD.encode()):
                    return pid
                todo += children(pid)
        return None

    pid = eventually(first_process, "systemd starts")
    assert pid is not None
    _move_to(server, pid)
    eventually(lambda: _state(server) in {"running", "degraded"}, "systemd is up", timeout_s=60)
    server.run(["systemctl", "start", "ssh"])


def _move_to(server: Server, pid: int) -> None:
    """Let what is run on the server be run where this process is."""
    server.namespaces.pid = pid
    server.root = server.namespaces.root = Path(f"/proc/{pid}/root")


def units(server: Server) -> dict[str, str]:
    """Return sshknock's units that are loaded, and the state of each."""
    listing = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "sshknock*"]
    lines = server.run(listing).stdout.splitlines()
    return {line.split()[0]: line.split()[3] for line in lines}


def _state(server: Server) -> str:
    return server.run(["systemctl", "is-system-running"], check=False).stdout.strip()
