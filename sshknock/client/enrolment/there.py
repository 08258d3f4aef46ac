"""What ``--install`` runs on the server, as root, by its Python and with nothing but its library.

This file is sent as it is, behind the header line, and called as ``main(task, cargo)``; it answers
with one line of JSON. The program lives in ``/opt/sshknock``, which is made beside it and then
takes its place in one step, so that a hook finds the old program or the new one, always whole.
"""

from __future__ import annotations

import compileall
import ctypes
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HOME = Path("/opt/sshknock")
LINK = Path("/usr/local/sbin/sshknock-server")
PROGRAM = "sshknock-server"

_MARK = "carried"  # the file that tells our folder from one that pip made
_FRESH = ".sshknock-new-"
_SETTINGS = Path("/etc/sshknock/server.toml")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PACKAGES = {"nft": "nftables", "knockd": "knockd"}
_COMPILED = ("sshknock", "click", "rich")  # the rest is hardly ever imported
_EXCHANGE = 2  # RENAME_EXCHANGE of renameat2(2)
_HERE = -100  # AT_FDCWD
_LAUNCHER = """\
#!{python} -ISB
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lib"))

from sshknock.server.cli import main

sys.exit(main())
"""


def main(task: dict[str, Any], cargo: bytes) -> None:
    """Do one thing, and say in JSON what came of it; ``error`` when nothing did."""
    os.umask(0o022)
    try:
        answer = _TASKS[str(task["do"])](task, cargo)
    except (OSError, subprocess.SubprocessError, tarfile.TarError, RuntimeError) as error:
        answer = {"error": str(error)}
    sys.stdout.write(json.dumps(answer) + "\n")


def _look(_task: dict[str, Any], _cargo: bytes) -> dict[str, Any]:
    """Tell what is there, and change nothing."""
    found = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:{_PATH}")
    is_ours = (HOME / _MARK).is_file()
    theirs = None
    if found is not None and not (is_ours and HOME in Path(found).resolve().parents):
        theirs = found
    elif HOME.exists() and not is_ours:
        theirs = str(HOME)
    return {
        "theirs": theirs,
        "version": None if found is None else _version(found),
        "missing": [name for name in _PACKAGES if shutil.which(name, path=_PATH) is None],
        "packages": list(_PACKAGES.values()),
        "apt": shutil.which("apt-get", path=_PATH) is not None,
        "set_up": _SETTINGS.exists(),
    }


def _version(program: str) -> str | None:
    """Return what a program calls itself; None for one that does not start."""
    try:
        return _run([program, "--version"]).strip()
    except (OSError, RuntimeError):
        return None


def _packages(_task: dict[str, Any], _cargo: bytes) -> dict[str, Any]:
    """Let apt-get install what is missing."""
    missing = [package for name, package in _PACKAGES.items() if not shutil.which(name, path=_PATH)]
    install = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=60", "install", *missing]
    try:
        _run(install)
    except RuntimeError:  # its lists are old, or there are none
        _run(["apt-get", "-q", "update"])
        _run(install)
    return {}


def _unpack(task: dict[str, Any], cargo: bytes) -> dict[str, Any]:
    """Put the program where the old one is, after a look whether it starts."""
    for old in HOME.parent.glob(_FRESH + "*"):  # of a run that was cut off
        shutil.rmtree(old)
    HOME.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=_FRESH, dir=HOME.parent))
    try:
        fresh.chmod(0o755)
        _fill(fresh, str(task["version"]), cargo)
        _run([str(fresh / "bin" / PROGRAM), "--version"])
        check = f"import sys; sys.path.append({str(fresh / 'lib')!r}); import rich.table"
        _run([sys.executable, "-ISBc", check])
        _exchange(fresh, HOME)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _link()
    os.sync()
    return {}


def _fill(fresh: Path, version: str, cargo: bytes) -> None:
    lib, launcher = fresh / "lib", fresh / "bin" / PROGRAM
    with tarfile.open(fileobj=io.BytesIO(cargo)) as tar:
        for entry in tar:
            target = lib / entry.name
            source = tar.extractfile(entry)
            if source is None or ".." in target.parts:
                raise RuntimeError(f"the archive holds {entry.name}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())
            os.utime(target, (entry.mtime, entry.mtime))
    for package in _COMPILED:  # as it will be called; without it each knock would parse it all
        final = str(HOME / "lib" / package)
        compileall.compile_dir(lib / package, ddir=final, quiet=2)
    launcher.parent.mkdir()
    launcher.write_text(_LAUNCHER.format(python=sys.executable))
    launcher.chmod(0o755)
    (fresh / _MARK).write_text(f"{version}\n")


def _exchange(fresh: Path, home: Path) -> None:
    """Let the fresh folder take the place of the old one; that is left under the fresh name."""
    if not home.exists():
        fresh.rename(home)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(_HERE, os.fsencode(fresh), _HERE, os.fsencode(home), _EXCHANGE)
    if done != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(home))


def _link() -> None:
    made = LINK.with_name(f".{LINK.name}.new")
    made.unlink(missing_ok=True)
    LINK.parent.mkdir(parents=True, exist_ok=True)
    made.symlink_to(HOME / "bin" / PROGRAM)
    made.replace(LINK)


def _run(argv: list[str]) -> str:
    """Run a program to its end; raise RuntimeError with its last line when it fails."""
    environment = {"PATH": _PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        check=False,
    )
    if done.returncode:
        *_, last = ["no reason given", *(done.stderr or done.stdout).strip().splitlines()]
        raise RuntimeError(f"{argv[0]}: {last}")
    return done.stdout


_TASKS = {"look": _look, "packages": _packages, "unpack": _unpack}
