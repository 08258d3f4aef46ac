"""A private note of each enrolment that is on its way, so that the next run can end it.

It is written before the server is asked for anything that lasts, and removed when all is done. It
holds no secret: the id of the token that is being made tells ours from everybody else's.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from sshknock.client import paths
from sshknock.errors import SystemFault
from sshknock.protocol.names import is_pairing_id
from sshknock.system.files import write_private


@dataclass(frozen=True, slots=True)
class Note:
    """An enrolment on its way: by which way, what the client is called there, its token's id."""

    via: str
    called: str
    pairing_id: str


def begin(name: str, via: str, called: str) -> Note:
    """Make a note with a fresh id, on the disk when this returns."""
    note = Note(via, called, secrets.token_hex(8))
    write_private(_file(name), json.dumps(asdict(note)).encode())
    return note


def find(name: str) -> Note | None:
    """Return the note that an earlier run has left; a damaged one counts as none."""
    try:
        values = json.loads(_file(name).read_bytes())
        note = Note(**values)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SystemFault(f"cannot read {_file(name)}: {error.strerror}") from error
    except (ValueError, TypeError):
        return None
    texts = asdict(note).values()
    whole = all(isinstance(text, str) for text in texts) and is_pairing_id(note.pairing_id)
    return note if whole else None


def end(name: str) -> None:
    """Forget the note: nothing is left half-done."""
    _file(name).unlink(missing_ok=True)


def _file(name: str) -> Path:
    return paths.private_folder(paths.private_folder(paths.state_dir()) / "enrolments") / name
