"""The folders are those of platformdirs, without its import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from sshknock.client import paths

ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "plain": {"HOME": "/home/u"},
    "both set": {"HOME": "/home/u", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
    "empty": {"HOME": "/home/u", "XDG_CONFIG_HOME": "", "XDG_STATE_HOME": ""},
    "relative": {"HOME": "/home/u", "XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": "./s"},
    "with spaces": {"HOME": "/home/a b", "XDG_STATE_HOME": "/s t/"},
    "trailing slash": {"HOME": "/home/u/", "XDG_CONFIG_HOME": "/c/"},
    "no home": {"HOME": None},
    "root's home": {"HOME": "/"},
}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is platformdirs itself")
@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_folders_are_those_of_platformdirs(
    environment: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under every environment the rule worked out by hand gives what platformdirs gives."""
    for variable in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        if value is not None:
            monkeypatch.setenv(variable, value)
    assert paths.config_dir() == Path(platformdirs.user_config_dir("sshknock"))
    assert paths.state_dir() == Path(platformdirs.user_state_dir("sshknock"))


def test_the_hot_path_does_not_import_platformdirs() -> None:
    """On Linux both folders are found without it."""
    code = (
        "import sys; from sshknock.client import paths; paths.config_dir(); paths.state_dir();"
        "sys.exit('platformdirs' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_private_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    """The folder itself is 0700, whatever the umask was."""
    made = paths.private_folder(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
