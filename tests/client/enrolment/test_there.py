"""What ``--install`` does as root, in a folder of its own; and what it is sent."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sshknock.client.enrolment import cargo, there
from sshknock.client.enrolment.installing import _LOADER


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for ``/opt/sshknock``."""
    home = tmp_path / "opt/sshknock"
    monkeypatch.setattr(there, "HOME", home)
    monkeypatch.setattr(there, "LINK", tmp_path / "sbin/sshknock-server")
    monkeypatch.setattr(there, "_PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PATH", str(tmp_path / "sbin"))
    (tmp_path / "bin").mkdir()
    return home


def do(capsys: pytest.CaptureFixture[str], task: str, data: bytes = b"") -> dict[str, object]:
    """Let it do a task; return its answer."""
    before = os.umask(0o077)
    try:
        there.main({"do": task, "version": "1.0"}, data)
    finally:
        os.umask(before)
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def packed(**files: str) -> bytes:
    """Return an archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def test_what_is_sent_runs_as_it_is_installed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By root's own Python without any site-packages; the link leads there, all may read it."""
    assert do(capsys, "unpack", cargo.archive()) == {}
    link = place.parent.parent / "sbin/sshknock-server"
    done = subprocess.run([link, "--help"], capture_output=True, text=True, check=True, env={})
    assert "Hide this server's SSH port" in done.stdout
    modes = {path.stat().st_mode & 0o777 for path in place.rglob("*")}
    assert modes == {0o755, 0o644}
    assert not (place / "lib/sshknock/client").exists()
    assert not list(place.rglob("*.so"))
    looked = do(capsys, "look")
    assert (looked["theirs"], looked["missing"]) == (None, ["nft", "knockd"])
    assert str(looked["version"]).startswith("sshknock-server ")


def test_a_program_that_does_not_start_replaces_none(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is tried before it takes the place; of the failed one nothing is left."""
    (place / "lib").mkdir(parents=True)
    (place / "carried").touch()
    answer = do(capsys, "unpack", packed(sshknock____init__="raise SystemExit('broken')"))
    assert "broken" in str(answer["error"]) or "sshknock" in str(answer["error"])
    assert [path.name for path in place.parent.iterdir()] == ["sshknock"]
    assert (place / "carried").exists()


def test_an_archive_that_leads_out_of_its_folder_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written outside."""
    answer = do(capsys, "unpack", packed(**{"..__..__evil.py": ""}))
    assert "evil" in str(answer["error"])
    assert not place.exists()


@pytest.mark.parametrize("made", ["a venv", "a program"])
def test_what_somebody_else_has_installed_is_seen(
    place: Path, capsys: pytest.CaptureFixture[str], made: str
) -> None:
    """Pip's folder in our place, or a program anywhere on the path."""
    if made == "a venv":
        (place / "bin").mkdir(parents=True)
        assert do(capsys, "look")["theirs"] == str(place)
    else:
        program = place.parent.parent / "sbin/sshknock-server"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\necho sshknock-server 9\n")
        program.chmod(0o755)
        looked = do(capsys, "look")
        assert (looked["theirs"], looked["version"]) == (str(program), "sshknock-server 9")


def test_a_program_of_ours_that_is_broken_is_brought_again(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It cannot say its version, and that keeps nobody from mending it."""
    assert do(capsys, "unpack", cargo.archive()) == {}
    (place / "lib/sshknock/server/cli/__init__.py").write_text("broken(")
    looked = do(capsys, "look")
    assert (looked["theirs"], looked["version"], looked.get("error")) == (None, None, None)
    assert do(capsys, "unpack", cargo.archive()) == {}
    assert do(capsys, "look")["version"]


def test_the_loader_skips_what_sudo_did_not_want() -> None:
    """A password before the header; the script and the cargo come out whole."""
    script, data = b"def main(task, cargo): print(task['do'], len(cargo))", b"\x00\xff\n" * 5
    header = json.dumps({"do": "look", "script": len(script), "cargo": len(data)}).encode()
    sent = b"tulip\nsshknock " + header + b"\n" + script + data
    done = subprocess.run(
        [sys.executable, "-ISc", _LOADER], input=sent, capture_output=True, check=True
    )
    assert done.stdout == b"look 15\n"
