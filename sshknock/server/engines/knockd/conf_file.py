"""knockd.conf on the disk: read, written and given back as it was found."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from sshknock.errors import BadInput
from sshknock.server import paths
from sshknock.system.files import write_private

PRIVATE = 0o600
_LEFTOVER = re.compile(r"\.knockd\.conf\.[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who a file belonged to before we wrote to it."""

    mode: int
    uid: int
    gid: int

    def encode(self) -> str:
        """Return it as the books keep it."""
        return f"{self.mode:o} {self.uid} {self.gid}"

    @classmethod
    def decode(cls, text: str) -> Ownership:
        """Read what ``encode`` wrote."""
        mode, uid, gid = text.split()
        return cls(int(mode, 8), int(uid), int(gid))


def read() -> str:
    """Return the file's text, empty when there is none; bytes that are no text are kept."""
    try:
        return decode(paths.KNOCKD_CONF.read_bytes())
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise BadInput(f"cannot read {paths.KNOCKD_CONF}: {error.strerror}") from error


def write(text: str, mode: int = PRIVATE) -> None:
    """Replace the file, or what a link of that name leads to; raise SystemFault."""
    write_private(paths.KNOCKD_CONF.resolve(), encode(text), mode=mode)


def ownership() -> Ownership | None:
    """Return whose the file is, None when there is none."""
    try:
        status = paths.KNOCKD_CONF.stat()
    except FileNotFoundError:
        return None
    return Ownership(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def give_back(text: str, owner: Ownership) -> None:
    """Write the file as it was, and to whom it belonged."""
    write(text, mode=owner.mode)
    os.chown(paths.KNOCKD_CONF, owner.uid, owner.gid)
    for path in paths.KNOCKD_CONF.resolve().parent.iterdir():
        if _LEFTOVER.fullmatch(path.name):  # of a write that was killed; it holds sequences
            path.unlink(missing_ok=True)


def remove() -> None:
    """Remove the file: there was none."""
    Path(paths.KNOCKD_CONF).unlink(missing_ok=True)


def encode(text: str) -> bytes:
    """Return the octets of a text that ``decode`` made, unchanged."""
    return text.encode("utf-8", "surrogateescape")


def decode(octets: bytes) -> str:
    """Return octets as text, whatever they are."""
    return octets.decode("utf-8", "surrogateescape")
