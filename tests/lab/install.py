"""The product as an administrator would have it: installed in a place that only root can write to.

`sshknock-server init` refuses a program that others could change, and Debian's own Python is what a
server has, so the lab does not run the checkout: it builds the wheel and installs it under /opt.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import final

from tests.lab.folders import OwnedFolder
from tests.lab.host import Host

CHECKOUT = Path(__file__).parents[2]
KEEP = "SSHKNOCK_LAB_KEEP"
"""The environment variable that, when set, leaves the installation there."""


@final
class Installation:
    """Builds and installs on entering; removed at the end, or after a crash by the next one."""

    def __enter__(self) -> Installation:
        self._folder = OwnedFolder(Path("/opt"), "sshknock-lab-")
        folder = self._folder.path
        wheels = folder / "wheels"
        python = folder / "venv/bin/python"
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        _run("/usr/bin/python3", "-m", "venv", "--without-pip", folder / "venv")
        _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", wheels, CHECKOUT)
        (wheel,) = wheels.glob("*.whl")
        _run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
        # The libraries that the product needs are those that the tests run with.
        self._libraries = sysconfig.get_path("purelib")
        self._shared = folder / "libraries"
        self._shared.mkdir()
        (packages,) = (folder / "venv/lib").glob("python3*/site-packages")
        paths = f"{self._libraries}\n{self._shared}\n"
        (packages / "libraries-of-the-tests.pth").write_text(paths)
        self.programs = folder / "venv/bin"
        return self

    def share_with_users(self, host: Host) -> None:
        """Let the users of a host run the programs.

        The tests may lie in a folder that root alone can enter, and their libraries with them.
        """
        host.run(["mount", "--bind", self._libraries, str(self._shared)])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if os.environ.get(KEEP):
            print(f"the lab's installation is kept in {self._folder.keep()}")
        else:
            self._folder.remove()


def _run(*argv: str | Path) -> None:
    """Run as on a quiet machine: pip's own settings and caches of the user play no part."""
    done = subprocess.run(
        list(map(str, argv)),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PIP_NO_CACHE_DIR": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, argv))}:\n{done.stdout}")
