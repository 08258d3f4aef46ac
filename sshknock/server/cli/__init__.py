"""``sshknock-server``: the administrator's program."""

from __future__ import annotations

import sys

_INTERRUPTED = 130  # as run_program has it, which may not be there yet


def main() -> None:
    """Run the program. All else is imported in here: ^C may come that early."""
    try:
        from sshknock.server.cli.program import PROGRAM, program  # noqa: PLC0415
        from sshknock.system.command_line import run_program  # noqa: PLC0415

        sys.exit(run_program(program, PROGRAM))
    except KeyboardInterrupt:
        sys.stderr.write("\nsshknock: interrupted\n")
        sys.exit(_INTERRUPTED)
