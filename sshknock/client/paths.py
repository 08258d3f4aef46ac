"""Where the client keeps its files: its settings in one folder, its state in another.

The folders are those of platformdirs. On Linux they are worked out here: the rule is four lines,
and importing platformdirs costs 10 ms of every ssh. A test holds the two against each other.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sshknock.errors import SystemFault

APPLICATION = "sshknock"


def config_dir() -> Path:
    """Return the folder of ``config.toml``; it need not exist."""
    if sys.platform == "linux":
        return _xdg_folder("XDG_CONFIG_HOME", ".config")
    import platformdirs  # noqa: PLC0415  only where the rule is another

    return Path(platformdirs.user_config_dir(APPLICATION))


def state_dir() -> Path:
    """Return the folder of locks, running sessions and the file keyring; it need not exist."""
    if sys.platform == "linux":
        return _xdg_folder("XDG_STATE_HOME", ".local/state")
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_state_dir(APPLICATION))


def private_folder(folder: Path) -> Path:
    """Make a folder that only its owner can enter, with its parents; return it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SystemFault(f"cannot make the folder {folder}: {error.strerror}") from error
    return folder


def _xdg_folder(variable: str, below_home: str) -> Path:
    """Apply the XDG rule: an absolute path in the variable, else the folder below the home."""
    base = os.environ.get(variable, "")
    if base.startswith("/"):
        return Path(base, APPLICATION)
    return Path(_home(), below_home, APPLICATION)


def _home() -> str:
    home = os.environ.get("HOME", "")
    if home.startswith("/"):
        return home
    import pwd  # noqa: PLC0415  rarely needed, and only here

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        raise SystemFault("there is no home folder", "set HOME to an absolute path") from None
