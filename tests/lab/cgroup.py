"""A tree of control groups of its own, for a systemd.

Two that share one take each other's processes for those of their own units.
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

# In the mounts of a host, which go with it.
JOIN = """
set -e
mkdir -p /run/groups
mount -t cgroup2 cgroup2 /run/groups
mkdir "/run/groups/$1"
echo 0 > "/run/groups/$1/cgroup.procs"
umount /run/groups
shift
exec "$@"
"""
REMOVE = """
set -e
mount -t cgroup2 cgroup2 /mnt
find "/mnt/$1" -depth -type d -exec rmdir {} +
"""


class Cgroup:
    """A new group below the one of the caller; it is there when a program has joined it."""

    def __init__(self) -> None:
        self.name = f"sshknock-lab-{secrets.token_hex(6)}"

    def joined(self, argv: Sequence[str | Path]) -> list[str | Path]:
        """Return the command line that makes the group and runs a program in it."""
        return ["sh", "-c", JOIN, "sh", self.name, *argv]

    def remove(self) -> None:
        """Take the group away, and those that were made in it; nothing runs there any more."""
        subprocess.run(
            ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", REMOVE, "sh", self.name],
            check=True,
            capture_output=True,
            timeout=20,
        )
