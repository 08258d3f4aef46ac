"""Starting a knockd ourselves."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from sshknock.server import paths
from sshknock.server.engines.knockd import launch
from sshknock.server.engines.knockd.launch import Instance, OwnLauncher
from tests.lab.waiting import eventually


def test_without_the_right_to_be_less_nice_it_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container without CAP_SYS_NICE a niced hook cannot raise what it starts."""

    def refuse(*_: int) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    stand_in = tmp_path / "knockd"
    stand_in.write_text(f"#!{sys.executable}\nprint('listening', flush=True)\ninput()\n")
    stand_in.chmod(0o700)
    monkeypatch.setattr(paths, "KNOCKD_RUN", tmp_path)
    monkeypatch.setattr(launch, "program", lambda *_: stand_in)
    monkeypatch.setattr(os, "setpriority", refuse)
    instance = Instance("1")
    OwnLauncher().start(instance, ["-i", "lo"])
    assert instance.pid_file.exists()
    eventually(lambda: "listening" in instance.log.read_text(), "it runs")
