"""Root only runs what root owns: one writable step anywhere on the way is refused by its name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sshknock.errors import SshknockError
from sshknock.server import paths
from sshknock.server.installation import program, trust
from sshknock.server.installation.program import Program
from sshknock.server.installation.trust import NotTrusted

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs files of root")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A small installation; the way to the test's own folder (/tmp is sticky) counts as good."""
    good = set(tmp_path.parents)
    real = trust._check

    def check(path: Path, *, for_users: bool) -> None:
        if path not in good:
            real(path, for_users=for_users)

    monkeypatch.setattr(trust, "_check", check)
    monkeypatch.setattr(trust, "_library", list)  # this interpreter's own may be anywhere
    tmp_path.chmod(0o755)
    made = Program(
        tmp_path / "bin" / "python", tmp_path / "lib" / "sshknock" / "server" / "hook.py"
    )
    for folder in (made.python.parent, made.hook.parent / "__pycache__"):
        folder.mkdir(parents=True)
    (tmp_path / "bin" / "python3").touch(mode=0o755)
    made.python.symlink_to("python3")
    for file in (made.hook, made.hook.parent / "__pycache__" / "x.pyc", tmp_path / "pyvenv.cfg"):
        file.touch(mode=0o644)
    return made


def test_a_good_installation(installed: Program) -> None:
    """Root's files in root's folders, that everybody may read."""
    trust.check_program(installed, for_users=True)


@pytest.mark.parametrize(
    "place",
    [
        "bin",
        "lib",
        "lib/sshknock",
        "lib/sshknock/server",
        "lib/sshknock/server/hook.py",
        "lib/sshknock/server/__pycache__",
        "lib/sshknock/server/__pycache__/x.pyc",
        "pyvenv.cfg",
    ],
)
@pytest.mark.parametrize("wrong", ["owner", "group", "others", "sticky"])
def test_one_wrong_step(installed: Program, tmp_path: Path, place: str, wrong: str) -> None:
    """Whatever it is, the message names it, and the hint a place that is right."""
    path = tmp_path / place
    if wrong == "owner":
        os.chown(path, 65534, 0)
    else:
        path.chmod(path.stat().st_mode | {"group": 0o020, "others": 0o002, "sticky": 0o1002}[wrong])
    with pytest.raises(NotTrusted, match=str(path)) as refused:
        trust.check_program(installed)
    assert "python3 -m venv /opt/sshknock" in (refused.value.hint or "")


def test_every_link_on_the_way_is_followed(installed: Program, tmp_path: Path) -> None:
    """A venv's python may be a link to a link in a folder where others write."""
    bad = tmp_path / "elsewhere"
    bad.mkdir()
    bad.chmod(0o777)
    (bad / "python").symlink_to(installed.python.readlink())
    installed.python.unlink()
    installed.python.symlink_to("../elsewhere/../elsewhere/python")
    with pytest.raises(NotTrusted, match=str(bad)):
        trust.check_program(installed)


def test_a_link_of_somebody_else(installed: Program) -> None:
    """It can be put elsewhere by its owner."""
    os.chown(installed.python, 65534, 65534, follow_symlinks=False)
    with pytest.raises(NotTrusted, match=str(installed.python)):
        trust.check_program(installed)


def test_links_in_a_circle(installed: Program) -> None:
    """They end in an error, not in a hang."""
    installed.python.unlink()
    installed.python.symlink_to(installed.python)
    with pytest.raises(NotTrusted, match="links"):
        trust.check_program(installed)


@pytest.mark.parametrize(
    ("place", "mode"), [("lib", 0o700), ("lib/sshknock/server/hook.py", 0o600)]
)
def test_what_users_run_they_must_read(
    installed: Program, tmp_path: Path, place: str, mode: int
) -> None:
    """ForceCommand runs as the user; for root alone the same place is good."""
    (tmp_path / place).chmod(mode)
    trust.check_program(installed)
    with pytest.raises(NotTrusted, match="users cannot read"):
        trust.check_program(installed, for_users=True)


def test_tmp_is_no_place(tmp_path: Path) -> None:
    """Its sticky bit does not make it safe."""
    hook = Path("/tmp") / "sshknock" / "hook.py"
    with pytest.raises(NotTrusted, match="/tmp"):
        trust.check_paths([hook])
    assert tmp_path.exists()


def test_paths_that_a_configuration_file_cannot_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PAM, knockd and systemd each quote in their own way: such a path is refused."""
    for name in ("with space", "per%cent", "dollar$", "hash#", "[b]", "semi;colon", "caf\u00e9"):
        place = tmp_path / name
        place.mkdir()
        shutil.copy(paths.HOOK_PROGRAM, place)
        monkeypatch.setattr(paths, "HOOK_PROGRAM", place / "hook.py")
        with pytest.raises(SshknockError, match="configuration file"):
            program.this_program()
