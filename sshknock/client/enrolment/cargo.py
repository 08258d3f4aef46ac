"""The program in an archive: what a server needs of this very installation, and nothing of pip's.

The package itself but for its client part, and what the server's part imports (click, rich, what
they require), all of it Python source: compiled modules of this machine would not run on another.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path, PurePosixPath

import sshknock
from sshknock.errors import SystemFault

LIBRARIES = ("click", "rich", "tomli")
"""What ``sshknock.server`` imports."""

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_SENT = {".so", ".pyd", ".pyc", ".pth"}
_CLIENT = PurePosixPath("sshknock/client")


@lru_cache(maxsize=1)
def archive() -> bytes:
    """Return a tar.gz of everything, with paths as they stand in a folder of modules."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
        for inside, file in sorted(_files()):
            data = file.read_bytes()
            entry = tarfile.TarInfo(str(inside))
            entry.size, entry.mode, entry.mtime = len(data), 0o644, int(file.stat().st_mtime)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _files() -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield where each file belongs, and where it is here."""
    package = Path(sshknock.__file__).parent
    for file in package.rglob("*.py"):
        inside = PurePosixPath("sshknock", *file.relative_to(package).parts)
        if _CLIENT not in inside.parents:
            yield inside, file
    for library in _with_requirements(LIBRARIES):
        yield from _files_of(library)


def _files_of(library: metadata.Distribution) -> Iterator[tuple[PurePosixPath, Path]]:
    for path in library.files or ():
        file = Path(str(library.locate_file(path)))
        is_inside = path.parts[0] != ".." and "__pycache__" not in path.parts
        if is_inside and path.suffix not in _NOT_SENT and file.is_file():
            yield PurePosixPath(*path.parts), file


def _with_requirements(names: tuple[str, ...]) -> list[metadata.Distribution]:
    """Return the libraries and all that they require; what is not installed is not needed here."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            library = found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name in names:
                raise SystemFault(
                    f"cannot send {name} along: it is not installed as a package here",
                    "install sshknock with pipx, uv or pip, and try again",
                ) from None
            continue
        if library.files is None:
            raise SystemFault(
                f"cannot send {name} along: its list of files is missing",
                "install sshknock with pipx, uv or pip, and try again",
            )
        for line in library.requires or ():
            requirement = _REQUIREMENT.match(line)
            if requirement is not None and "extra ==" not in line:
                waiting.append(requirement[0])
    return list(found.values())
