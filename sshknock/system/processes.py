"""The one place that starts other programs: argument lists, a small environment, a time limit."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sshknock.errors import SystemFault

SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for; never the caller's own PATH."""

ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program left: its exit code and what it wrote."""

    returncode: int
    stdout: str
    stderr: str


def program(name: str, package: str) -> Path:
    """Return the absolute path of a program; ``package`` is Debian's package for the hint."""
    found = shutil.which(name, path=SEARCH_PATH)
    if found is None:
        raise SystemFault(f"{name} is not installed", f"apt-get install {package}")
    return Path(found)


def run(
    argv: Sequence[str],
    *,
    timeout_s: float = 10,
    stdin: str | bytes | None = None,
    environment: Mapping[str, str] = ENVIRONMENT,
    pass_fds: Collection[int] = (),
) -> Completed:
    """Run a program to its end, without a shell.

    ``argv[0]`` is an absolute path. ``stdin`` is what the program reads; without it, nothing.
    ``environment`` is the whole of its environment, ``pass_fds`` are descriptors that it inherits.
    Raises SystemFault when it cannot be started or takes longer than ``timeout_s``.
    """
    if not Path(argv[0]).is_absolute():
        raise SystemFault(f"{argv[0]} is no absolute path")
    try:
        done = subprocess.run(
            argv,
            input=stdin.encode(errors="replace") if isinstance(stdin, str) else stdin or b"",
            capture_output=True,
            timeout=timeout_s,
            env=environment,
            pass_fds=pass_fds,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SystemFault(f"{argv[0]} took longer than {timeout_s:g} s") from error
    except OSError as error:
        raise SystemFault(f"cannot start {argv[0]}: {error.strerror}") from error
    return Completed(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(octets: bytes) -> str:
    return octets.decode(errors="replace")
