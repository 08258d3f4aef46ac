"""The program that root is made to run: this interpreter and this package's hook.py."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from sshknock.errors import SystemFault
from sshknock.server import paths

_MARK = "carried"  # what enrolment/there.py of the client leaves beside the program


@dataclass(frozen=True, slots=True)
class Program:
    """The interpreter (a venv's link to it stays a link) and hook.py, both absolute."""

    python: Path
    hook: Path

    def argv(self, *arguments: str) -> list[str]:
        """Return the command line of a hook."""
        return [str(self.python), "-ISB", str(self.hook), *arguments]

    def line(self, *arguments: str) -> str:
        """Return the command line for files that split at white space and know no quotes."""
        return " ".join(self.argv(*arguments))


def carried_to() -> Path | None:
    """Return the folder that ``enroll --install`` has made for the program that runs now, if so."""
    folder = paths.PACKAGE.parent.parent
    return folder if (folder / _MARK).is_file() else None


def this_program() -> Program:
    """Return the program that runs now; raise SystemFault when a file could not name it.

    The line goes into knockd.conf, a PAM file and units. They have quotes and escapes, each its
    own, so a path that would need any is refused. It may be gone meanwhile (see supervisor).
    """
    program = Program(Path(sys.executable or "/"), paths.HOOK_PROGRAM)
    for path in (program.python, program.hook):
        plain = str(path).isascii() and all(c.isalnum() or c in "/._+-" for c in str(path))
        if not path.is_absolute() or not path.name or not plain:
            raise SystemFault(
                f"the path {path} cannot stand in a configuration file",
                "install in a plain place: python3 -m venv /opt/sshknock",
            )
    return program
