"""``sshknock``: the program for people."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # as run_program has it, which may not be there yet


def main() -> int:
    """Run the program; return its exit code. All else is imported in here: ^C may come early."""
    try:
        from sshknock.cli.program import PROGRAM, program  # noqa: PLC0415
        from sshknock.system.command_line import run_program  # noqa: PLC0415

        return run_program(program, PROGRAM)
    except KeyboardInterrupt:
        sys.stderr.write("\nsshknock: interrupted\n")
        return _INTERRUPTED
