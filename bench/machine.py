"""The machine and the programs that a benchmark ran with."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

PACKAGES = ("openssh-server", "knockd", "fwknop-server", "nftables")


def describe() -> str:
    """Return a sentence for below a table."""
    release = platform.freedesktop_os_release()["PRETTY_NAME"]
    programs = [f"{package} {version}" for package, version in _versions().items()]
    parts = [
        time.strftime("%Y-%m-%d"),
        f"{os.cpu_count()} cores ({_processor()}), load {os.getloadavg()[0]:.1f} at the end",
        release,
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        *programs,
    ]
    return ", ".join(parts) + "."


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions() -> dict[str, str]:
    """Return the versions of Debian packages that are installed."""
    command = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n", *PACKAGES]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
