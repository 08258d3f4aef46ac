"""One machine of the lab: a set of namespaces that lives as long as one small process, its init.

The init is the first process of its own PID namespace.  When it ends the kernel kills everything
that runs in there and takes network, mounts and the files on them away, so nothing survives a lab.
It ends when the pipe on its standard input is closed, and the kernel closes that pipe however the
test process ends, by SIGKILL too.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab.waiting import eventually

CLONE_NEWNET = 0x40000000

# Everything that a host writes lands on the tmpfs of its /run: the real files are never touched.
# Homes live there too, because a tmpfs over /root or /home could hide the checkout with the tests.
MOUNTS = """
set -e
mount -t tmpfs -o mode=755 lab /run
for folder in etc var/lib var/log; do
    mkdir -p "/run/lab/$folder/upper" "/run/lab/$folder/work"
    mount -t overlay overlay "/$folder" \
        -o "lowerdir=/$folder,upperdir=/run/lab/$folder/upper,workdir=/run/lab/$folder/work"
done
mount -t sysfs sysfs /sys
mkdir -p /run/sshd /run/lock /run/home
"""
# Reaps orphans, as every init does: to kill(2) a dead process must not look like a living one.
INIT = """
exec /usr/bin/python3 -ISc '
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.write(1, b"ready")
os.read(0, 1)
'
"""


class Namespaces:
    """New network, PID and mount namespaces; without `mounts` the files are the machine's own."""

    def __init__(self, *, mounts: bool = True) -> None:
        self._unshare = subprocess.Popen(
            [
                *("/usr/bin/unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"),
                *("--mount-proc", "--propagation", "private"),
                *("/bin/sh", "-c", (MOUNTS if mounts else "") + INIT),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            cwd="/",
        )
        assert self._unshare.stdout is not None
        assert self._unshare.stderr is not None
        if self._unshare.stdout.read(5) != b"ready":
            raise RuntimeError(
                f"cannot make a lab host: {self._unshare.stderr.read().decode().strip()}"
            )
        self.pid = eventually(lambda: children(self._unshare.pid), "the init of a lab host")[0]
        self.root = Path(f"/proc/{self.pid}/root")
        self._network = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)

    @property
    def first(self) -> int:
        """The process outside whose child is the init of this machine."""
        return self._unshare.pid

    def enter(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in here."""
        target = ("--target", str(self.pid))
        return ["/usr/bin/nsenter", *target, "--root", "--mount", "--net", "--pid", "--", *argv]

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let the calling thread's new sockets belong to this network, while the context lasts."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _setns(self._network)
            yield
        finally:
            _setns(own)
            os.close(own)

    def processes(self) -> list[int]:
        """The PIDs (as seen from outside) of all that runs in here, the init left out."""
        here = Path(f"/proc/{self.pid}/ns/pid").readlink()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self.pid:
                try:
                    if (entry / "ns/pid").readlink() == here and _state(entry) != "Z":
                        found.append(int(entry.name))
                except OSError:  # it ended meanwhile
                    continue
        return sorted(found)

    def close(self) -> None:
        """End everything in here, and wait until it has."""
        for pipe in (self._unshare.stdin, self._unshare.stdout, self._unshare.stderr):
            if pipe is not None:
                pipe.close()
        os.close(self._network)
        self._unshare.wait(timeout=20)


def children(pid: int) -> list[int]:
    """List the PIDs of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _state(process: Path) -> str:
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def _setns(descriptor: int) -> None:
    """os.setns() came with Python 3.12."""
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
