"""The program for machines: what knockd, PAM, sshd and the service manager run.

It runs as ``PYTHON -ISB /…/sshknock/server/hook.py COMMAND``: isolated from the environment
and from the folder it is called in, so that nothing but the standard library and this package is
imported. It never prompts, it answers with one line, and ``pam`` never fails.
"""

from __future__ import annotations

import os
import sys

# pathlib would cost half of the start-up
_HOOK = os.path.abspath(__file__)  # noqa: PTH100
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(_HOOK)))  # noqa: PTH120

_MODULES = {
    "knock": "knock",
    "pam": "pam",
    "forcecommand": "forcecommand",
    "reconcile": "reconciling",
    "session": "session",
    "boot": "boot",
    "watch": "watch",
    "check": "check",
}

HELP = """\
usage: sshknock-hook COMMAND
  knock TICKET ADDRESS  knockd: a door was used
  pam                   pam_exec, open_session: a session begins
  forcecommand          sshd's ForceCommand, for servers without PAM
  reconcile [REASON]    bring kernel, books and knockd in line, now
  session PEER...       the supervisor: sessions that announced themselves
  boot                  hide the port before the network is up
  watch [--detach]      the supervisor: reconcile whenever it is due
  check                 the supervisor, doctor: does this program still start?
"""


def main() -> None:
    """Run the command of ``sys.argv``, and end the process with its exit code."""
    sys.exit(_main(sys.argv[1:]))


def _main(arguments: list[str]) -> int:
    if _ROOT not in sys.path:
        sys.path.append(_ROOT)  # last: nothing beside the package may stand in for the library
    command = arguments[0] if arguments else ""
    try:
        return _run(command, arguments[1:])
    except BaseException as error:
        if command == "pam":
            return 0  # a login never fails because of us
        if isinstance(error, SystemExit):
            raise
        return _explain(error)


def _run(command: str, arguments: list[str]) -> int:
    if command in _MODULES:
        name = f"sshknock.server.hooks.{_MODULES[command]}"
        module = __import__(name, fromlist=("run",))
        code: int = module.run(arguments)
        return code
    if command in ("-h", "--help"):
        sys.stdout.write(HELP)
        return 0
    if command == "--version":
        from sshknock import __version__  # noqa: PLC0415  the package was not on the path before

        sys.stdout.write(f"sshknock-hook {__version__}\n")
        return 0
    from sshknock.errors import UsageError  # noqa: PLC0415  the same

    raise UsageError("sshknock-hook: no such command", "sshknock-hook --help")


def _explain(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 130
    try:
        from sshknock.errors import SshknockError, report  # noqa: PLC0415  the same
    except Exception:  # noqa: BLE001  an installation with a piece missing
        os.write(2, b"sshknock: the installation is damaged: it cannot import itself\n")
        return 1
    if not isinstance(error, SshknockError):
        error = SshknockError(f"unexpected failure: {type(error).__name__}: {error}")
    report(error)
    return error.exit_code


if __name__ == "__main__":
    main()
