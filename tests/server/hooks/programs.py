"""Run hook.py, and small programs that use its modules, as real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HOOK = ROOT / "sshknock" / "server" / "hook.py"


def hook(
    *arguments: str,
    hook: Path = HOOK,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run hook.py the way that root runs it; it has ended when its streams have."""
    return subprocess.run(
        [sys.executable, "-ISB", str(hook), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=cwd,
        env=env,
        check=False,
    )


def python(program: str, *arguments: str) -> list[str]:
    """Return the command line of a small program that can import the package."""
    return [
        sys.executable,
        "-ISBc",
        f"import sys; sys.path.append({str(ROOT)!r})\n{program}",
        *arguments,
    ]
