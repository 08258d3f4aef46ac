"""Wheel and sdist: what is in them, and what is not."""

from __future__ import annotations

import email
import subprocess
import tarfile
import zipfile
from pathlib import Path

from sshknock import __version__
from tests.packaging.conftest import CHECKOUT, PROGRAMS, module


def tracked() -> set[str]:
    """What git knows of, and what is there."""
    listed = subprocess.run(
        ["/usr/bin/git", "-C", CHECKOUT, "ls-files"], capture_output=True, text=True, check=True
    )
    return {name for name in listed.stdout.splitlines() if (CHECKOUT / name).exists()}


def test_what_is_uploaded_is_sound(sdist: Path, wheel: Path) -> None:
    """No complaint of twine's about the metadata, and the README renders."""
    said = module("twine", "check", "--strict", sdist, wheel)
    assert said.count("PASSED") == 2


def test_the_sdist_is_enough_to_build_and_test(sdist: Path) -> None:
    """Every file of the repository is in it, but for settings of git and of the tests' runner."""
    with tarfile.open(sdist) as archive:
        inside = {member.name.partition("/")[2] for member in archive if member.isfile()}
    assert {name for name in tracked() - inside if not name.startswith(".")} == set()


def test_a_wheel_is_the_same_when_it_is_built_again(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    """From the same sdist, to the byte: whoever doubts it can check it."""
    subprocess.run(["/usr/bin/tar", "-xzf", sdist, "-C", tmp_path], check=True)
    (source,) = tmp_path.iterdir()
    module("build", "--no-isolation", "--wheel", "--outdir", tmp_path / "again", source)
    (again,) = (tmp_path / "again").iterdir()
    assert again.read_bytes() == wheel.read_bytes()


def test_the_wheel_brings_the_package_alone(wheel: Path) -> None:
    """Code, its types, a template; below share, pages and completions. No tests, no tools."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    stem = f"sshknock-{__version__}"
    assert "sshknock/py.typed" in names
    assert "sshknock/analysis/page/template.html" in names
    assert {name.partition("/")[0] for name in names} == {
        "sshknock",
        f"{stem}.data",
        f"{stem}.dist-info",
    }
    share = f"{stem}.data/data/share"
    shared = {name.removeprefix(share) for name in names if ".data/" in name}
    assert {name for name in shared if "/man/" in name} == {
        "/man/man1/sshknock.1",
        "/man/man1/sshknock-proxy.1",
        "/man/man8/sshknock-hook.8",
        "/man/man8/sshknock-server.8",
    }
    assert sum("complet" in name or "site-functions" in name for name in shared) == 6


def test_the_metadata_is_the_projects(wheel: Path) -> None:
    """The version of the code, the four programs, and the types are announced."""
    with zipfile.ZipFile(wheel) as archive:
        folder = f"sshknock-{__version__}.dist-info"
        metadata = email.message_from_bytes(archive.read(f"{folder}/METADATA"))
        entries = archive.read(f"{folder}/entry_points.txt").decode()
    assert metadata["Version"] == __version__
    assert metadata["Requires-Python"] == ">=3.10"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert [name for name in PROGRAMS if f"\n{name} = " in entries] == list(PROGRAMS)
