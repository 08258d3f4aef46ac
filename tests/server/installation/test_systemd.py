"""The units: systemd takes them, and the copies in contrib/ are what is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sshknock.server.installation import pam_file, systemd
from sshknock.server.installation.program import Program

CONTRIB = Path(__file__).resolve().parents[3] / "contrib"
EXAMPLE = Program(
    Path("/opt/sshknock/bin/python3"),
    Path("/opt/sshknock/lib/python3.11/site-packages/sshknock/server/hook.py"),
)
KNOCKD = Path("/usr/sbin/knockd")
ANALYZE = Path("/usr/bin/systemd-analyze")


def test_the_copies_in_contrib() -> None:
    """They are what the program installs, with the paths of an example."""
    units = systemd.units(EXAMPLE, KNOCKD)
    assert {file.name: file.read_text() for file in (CONTRIB / "systemd").iterdir()} == units
    assert (CONTRIB / "pam.d" / "sshd").read_text() == pam_file.with_line("", EXAMPLE)


@pytest.mark.skipif(not ANALYZE.exists(), reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With programs that exist, its own check has nothing to say."""
    here = Program(Path("/usr/bin/true"), Path("/usr/bin/true"))
    for name, text in systemd.units(here, Path("/usr/bin/true")).items():
        (tmp_path / name).write_text(text)
    files = [str(tmp_path / name.replace("@", "@7")) for name in systemd.units(here, KNOCKD)]
    done = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "sshknock" in line]
    assert (done.returncode, ours) == (0, [])


def test_stopping_a_knockd_leaves_the_reconcile_that_stops_it() -> None:
    """A hook's process lives in the group of the unit that ran it."""
    units = systemd.units(EXAMPLE, KNOCKD)
    assert "KillMode=process\n" in units[systemd.KNOCKD]
    assert "KillMode=process\n" in units[systemd.WATCH]


def test_the_boot_waits_for_nothing_that_waits_for_the_network() -> None:
    """It is ordered before network-pre.target and sshd, and has no default dependencies."""
    boot = systemd.units(EXAMPLE, KNOCKD)[systemd.BOOT]
    assert "DefaultDependencies=no\n" in boot
    assert "Before=network-pre.target ssh.service sshd.service" in boot
    assert "network-online" not in boot
