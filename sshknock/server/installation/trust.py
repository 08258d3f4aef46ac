"""Root only runs what root owns: a program that others can change is refused.

Whoever may write to a file, to a folder on the way to it, or to the target of a link on that way,
becomes root by the next knock. A sticky folder is no protection: its files can be made before us.
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from sshknock.errors import SshknockError
from sshknock.server.installation.program import Program, this_program

if sys.version_info < (3, 11):
    import tomli

_HINT = "install it where only root writes: python3 -m venv /opt/sshknock"
_READ_HINT = "install it where everybody may read: python3 -m venv /opt/sshknock"
_LINKS = 40  # as the kernel follows (path_resolution(7))
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH  # an access list shows in the group's bits (acl(5))


class NotTrusted(SshknockError):
    """Somebody other than root can change, or users cannot read, what is to be run."""


def check(*, for_users: bool = False) -> None:
    """Refuse the program that runs now when others than root can change it; raises NotTrusted.

    With ``for_users`` (ForceCommand runs as the user) also when not everybody can read it.
    """
    check_program(this_program(), for_users=for_users)


def check_program(program: Program, *, for_users: bool = False) -> None:
    """Check all that a program consists of: interpreter, library, package, the ways there."""
    places = [program.python, program.hook, *_around(program.python), *_library()]
    check_paths(places, for_users=for_users)
    package = program.hook.parent.parent
    check_trees([package, *_library()], for_users=for_users)


def check_paths(places: Iterable[Path], *, for_users: bool = False) -> None:
    """Check every step of the way to each place, links and their targets included."""
    seen: set[Path] = set()
    for place in places:
        for step in _way(place):
            if step not in seen:
                seen.add(step)
                _check(step, for_users=for_users)


def check_trees(folders: Iterable[Path], *, for_users: bool = False) -> None:
    """Check all that is in the folders: modules, compiled modules, and folders to put some into."""
    for folder in folders:
        for parent, names, files in os.walk(folder, onerror=_unreadable):
            for name in names + files:
                path = Path(parent, name)
                if path.is_symlink():
                    check_paths([path], for_users=for_users)
                else:
                    _check(path, for_users=for_users)


def _around(python: Path) -> list[Path]:
    """Return the files that tell an interpreter where its library is (pyvenv.cfg)."""
    found = [folder / "pyvenv.cfg" for folder in (python.parent, python.parent.parent)]
    return [path for path in found if path.exists()]


def _library() -> list[Path]:
    """Return the standard library's folders; a venv has none of its own."""
    compiled = {"installed_platbase": sys.base_exec_prefix, "platbase": sys.base_exec_prefix}
    folders = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars=compiled))
    found = {Path(folder).resolve() for folder in folders}
    if sys.version_info < (3, 11):  # before that, TOML is not in the library
        found.add(Path(tomli.__file__).resolve().parent)
    return sorted(found)


def _way(place: Path) -> Iterator[Path]:
    """Yield what the kernel passes from ``/`` to a place, link by link, without resolving first."""
    todo = list(reversed(place.parts))
    at = Path("/")
    links = 0
    while todo:
        part = todo.pop()
        if part == "/":
            at = Path("/")
        elif part == "..":
            at = at.parent
        elif part != ".":
            at /= part
        yield at
        if at.is_symlink():
            links += 1
            if links > _LINKS:
                raise NotTrusted(f"{place} has too many links", _HINT)
            target = at.readlink()
            at = at.parent
            todo.extend(reversed(target.parts))


def _check(path: Path, *, for_users: bool) -> None:
    try:
        status = path.lstat()
    except OSError as error:
        raise NotTrusted(f"cannot look at {path}: {error.strerror}", _HINT) from error
    if status.st_uid != 0:
        raise NotTrusted(f"{path} does not belong to root, who would run it", _HINT)
    if stat.S_ISLNK(status.st_mode):
        return
    if status.st_mode & _OTHERS_WRITE:
        raise NotTrusted(f"others than root can write to {path}", _HINT)
    if for_users:
        needed = stat.S_IXOTH | stat.S_IROTH if stat.S_ISDIR(status.st_mode) else stat.S_IROTH
        if status.st_mode & needed != needed:
            raise NotTrusted(
                f"users cannot read {path}, and ForceCommand runs as the user", _READ_HINT
            )


def _unreadable(error: OSError) -> None:
    raise NotTrusted(f"cannot look at {error.filename}: {error.strerror}", _HINT)
