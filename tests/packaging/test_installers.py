"""What a user types to install, upgrade and remove, from a fresh clone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sshknock import __version__
from tests.packaging.conftest import CHECKOUT, PROGRAMS

pytestmark = pytest.mark.long  # libraries come from the package index, as they do for a user

NEXT = "99.0.0"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git clone brings."""
    folder = tmp_path / "sshknock"
    subprocess.run(["/usr/bin/git", "clone", "--quiet", CHECKOUT, folder], check=True)
    return folder


class User:
    """A home without anything, and the tools of the tests."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        self.home = home
        path = f"{home}/.local/bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        self._environment = {**kept, "HOME": str(home), "PATH": path, "NO_COLOR": "1"}

    def run(self, *words: str | Path) -> str:
        """Run a command, which must succeed; return what it says."""
        done = subprocess.run(
            list(map(str, words)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=self._environment,
            cwd=self.home,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def programs(self) -> set[str]:
        """What can be typed since."""
        return {path.name for path in (self.home / ".local/bin").glob("sshknock*")}


@pytest.fixture
def user(tmp_path: Path) -> User:
    """Somebody who has never installed anything."""
    return User(tmp_path / "home")


def publish(clone: Path) -> None:
    """Have the clone be of a later version."""
    file = clone / "sshknock/__init__.py"
    file.write_text(file.read_text().replace(__version__, NEXT))


@pytest.mark.parametrize(
    ("install", "again", "remove"),
    [
        (["pipx", "install"], ["pipx", "install", "--force"], ["pipx", "uninstall", "sshknock"]),
        (
            ["uv", "tool", "install"],
            ["uv", "tool", "install", "--reinstall"],
            ["uv", "tool", "uninstall", "sshknock"],
        ),
    ],
    ids=["pipx", "uv"],
)
def test_installed_upgraded_and_removed(
    user: User, clone: Path, install: list[str], again: list[str], remove: list[str]
) -> None:
    """The programs start, before and after an upgrade; then nothing is left of them."""
    user.run(*install, clone)
    for program in PROGRAMS:
        assert user.run(program, "--version") == f"{program} {__version__}\n"
    assert user.run("sshknock", "status").startswith("no pairings yet")
    if install[0] == "pipx":  # uv shows no pages to man
        assert (user.home / ".local/share/man/man1/sshknock.1").exists()
    publish(clone)
    user.run(*again, clone)
    assert user.run("sshknock", "--version") == f"sshknock {NEXT}\n"
    user.run(*remove)
    assert user.programs() == set()
