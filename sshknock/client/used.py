"""The tokens that were used up on this machine, by their ids, which are no secret.

One token, one machine, one enrolment: a second one would begin at counter 0, which the server has
long left behind. Whoever holds the settings' lock may call this.
"""

from __future__ import annotations

from pathlib import Path

from sshknock.client import paths
from sshknock.errors import SystemFault
from sshknock.system.files import write_private


def remember(pairing_id: str) -> None:
    """Note that the token of this id was used here."""
    if not is_remembered(pairing_id):
        write_private(_file(), f"{_text()}{pairing_id}\n".encode())


def is_remembered(pairing_id: str) -> bool:
    """Tell whether the token of this id was used here."""
    return pairing_id in _text().splitlines()


def _file() -> Path:
    return paths.private_folder(paths.state_dir()) / "used-tokens"


def _text() -> str:
    try:
        return _file().read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SystemFault(f"cannot read {_file()}: {error}") from error
