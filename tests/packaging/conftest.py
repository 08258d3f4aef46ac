"""Fixtures of the packaging tests: the archives, built once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROGRAMS = ("sshknock", "sshknock-hook", "sshknock-proxy", "sshknock-server")


def module(name: str, *arguments: str | Path) -> str:
    """Run a tool of the tests' own Python; return its output, all of it after a failure."""
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("archives")
    module("build", "--no-isolation", "--outdir", folder, CHECKOUT)
    return folder


@pytest.fixture
def sdist(archives: Path) -> Path:
    """The archive of the source."""
    (found,) = archives.glob("*.tar.gz")
    return found


@pytest.fixture
def wheel(archives: Path) -> Path:
    """The archive that is installed."""
    (found,) = archives.glob("*.whl")
    return found
