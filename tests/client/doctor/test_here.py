"""What the doctor sees without sending anything: files, ssh's configuration, the keyring."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sshknock.client import config, ssh_config
from sshknock.client.config import Config, Pairing
from sshknock.client.doctor import here
from sshknock.client.doctor.findings import Check, Finding, Level
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.records import replace
from tests.client.conftest import enroll, sshknock

BOX = Pairing("box", ("192.0.2.7",), 2222, "file", "0123456789abcdef")
KNOWN = Config({"box": BOX})

NO_PAIRINGS = "no pairings yet: 'sshknock enroll' makes one\n"

needs_ssh = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs ssh")


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a proxy beside the program, in a folder whose name needs quoting."""
    made = tmp_path / "100% mine" / "sshknock-proxy"
    made.parent.mkdir()
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(made.with_name("sshknock"))])
    return made


def the_finding(pairing: Pairing = BOX, known: Config = KNOWN) -> Finding:
    """Return the one finding about ssh."""
    (finding,) = here.ssh(pairing, known)
    assert finding.check is Check.SSH
    return finding


@needs_ssh
def test_the_written_block_is_well() -> None:
    """What ``ssh-config --write`` leaves, whatever the program's folder is called."""
    ssh_config.write(["box"], KNOWN)
    assert the_finding().level is Level.OK


@needs_ssh
def test_a_name_that_ssh_does_not_know_is_a_note() -> None:
    """Perhaps the user has a Host block of another name; the command that makes ours is named."""
    finding = the_finding()
    assert finding.level is Level.NOTE
    assert finding.todo == ("sshknock ssh-config box --write",)


@needs_ssh
def test_a_block_without_the_proxy_is_a_problem(home: Path) -> None:
    """The name is known, and the way there is the plain one or another's."""
    (home / ".ssh").mkdir(mode=0o700)
    for line in ("HostName 192.0.2.7", "ProxyCommand nc %h %p"):
        (home / ".ssh/config").write_text(f"Host box\n    {line}\n")
        finding = the_finding()
        assert finding.level is Level.PROBLEM, line
        assert "does not go through sshknock-proxy" in finding.what


@needs_ssh
def test_a_proxy_that_is_gone_is_a_problem(program: Path) -> None:
    """As after a virtual environment was deleted: the path is named."""
    ssh_config.write(["box"], KNOWN)
    program.unlink()
    finding = the_finding()
    assert finding.level is Level.PROBLEM
    assert str(program) in finding.what


@needs_ssh
def test_a_block_for_another_host_is_a_problem(home: Path) -> None:
    """The proxy would knock at the host that ssh names, which is not the pairing's."""
    ssh_config.write(["box"], KNOWN)
    moved = replace(BOX, hosts=("192.0.2.8",))
    finding = the_finding(moved, Config({"box": moved}))
    assert finding.level is Level.PROBLEM
    assert "goes to 192.0.2.7 port 2222" in finding.what
    assert (home / ".ssh/config").exists()


@needs_ssh
def test_two_pairings_of_one_host_need_a_name(program: Path, home: Path) -> None:
    """Without --name the proxy refuses to choose."""
    known = Config({"box": BOX, "crate": replace(BOX, name="crate", pairing_id="f" * 16)})
    ssh_config.write(["box"], known)
    assert the_finding(known=known).level is Level.OK
    block = f"Host box\n HostName 192.0.2.7\n Port 2222\n ProxyCommand '{program}' %h %p\n"
    (home / ".ssh/config").write_text(block.replace("100%", "100%%"))
    finding = the_finding(known=known)
    assert finding.level is Level.PROBLEM
    assert "box and crate are for the same host" in finding.what


@needs_ssh
def test_a_configuration_that_ssh_refuses_is_a_problem(home: Path) -> None:
    """With ssh's own word for it."""
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/config").write_text("Host box\n    Nonsense yes\n")
    finding = the_finding()
    assert finding.level is Level.PROBLEM
    assert "ssh does not accept its configuration" in finding.what


def test_files_of_ones_own_are_well(token: Path) -> None:
    """As an enrolment leaves them."""
    enroll(token)
    assert here.files().level is Level.OK


def test_files_that_others_can_write_to_are_a_problem(token: Path) -> None:
    """Whoever writes config.toml chooses where we knock."""
    enroll(token)
    for path in (config.config_file(), keyring_folder()):
        mode = path.stat().st_mode
        path.chmod(mode | 0o022)
        finding = here.files()
        path.chmod(mode)
        assert finding.level is Level.PROBLEM
        assert finding.what == f"others can write to {path}"
        assert finding.todo == (f"chmod go-w {path}",)


def test_a_missing_item_is_exit_4(token: Path) -> None:
    """The keyring is there and the secret is not: said, and the rest is looked at all the same."""
    enroll(token)
    FileStore(keyring_folder(), "sshknock").delete("box")
    assert sshknock("set", "box", "host=nowhere.invalid").returncode == 0
    done = sshknock("doctor", "box", "--json")
    (row,) = json.loads(done.stdout)["pairings"]
    problems = {f["check"]: f["what"] for f in row["findings"] if f["level"] == "problem"}
    assert (done.returncode, done.stderr, row["sent"]) == (4, "", [])
    assert "has no item for 'box'" in problems["keyring"]
    assert "cannot find the address of nowhere.invalid" in problems["name"]


def test_doctor_without_pairings_and_with_an_unknown_one() -> None:
    """Nothing to examine is nothing wrong; a name that is not there is exit 3, as ever."""
    done = sshknock("doctor")
    assert (done.returncode, done.stdout) == (0, NO_PAIRINGS)
    assert sshknock("doctor", "nobody").returncode == 3
