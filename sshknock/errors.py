"""The tree of errors, by whose fault it is; nothing else leaves a program.

An error is one clear line and, where there is something to do about it, a hint. The exit codes are
those of all four programs.
"""

from __future__ import annotations

import os
import sys

from sshknock.wrapping import fitted

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NO_SUCH_PAIRING = 3
EXIT_NO_KEYRING = 4
EXIT_NOT_OPENED = 5

_HEAD = "sshknock: "


class SshknockError(Exception):
    """Something that the user should know: ``message`` says what, ``hint`` what to do."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(SshknockError):
    """A file, a token, a name or a number from outside is not what it should be."""


class UsageError(SshknockError):
    """The command itself cannot be carried out as it was given."""

    exit_code = EXIT_USAGE


class NoSuchPairing(SshknockError):
    """No pairing has this name, or none is for this host and port."""

    exit_code = EXIT_NO_SUCH_PAIRING


class KeyringUnavailable(SshknockError):
    """The keyring is missing, locked or does not answer."""

    exit_code = EXIT_NO_KEYRING


class NotOpened(SshknockError):
    """The trains were sent, and the server did not open."""

    exit_code = EXIT_NOT_OPENED


class SystemFault(SshknockError):
    """The machine refused: a full disk, a program that failed, a lock that was not given."""


def report(error: SshknockError) -> None:
    """Print the message and the hint on standard error: a line each, which a terminal may break."""
    lines = [f"{_HEAD}{one_line(error.message)}"]
    if error.hint:
        lines.append(f"{_HEAD}hint: {one_line(error.hint)}")
    if sys.stderr is None:  # it was closed before we began
        return
    try:
        shown = [fitted(line, sys.stderr, hang=len(_HEAD)) + "\n" for line in lines]
        sys.stderr.write("".join(shown))
        sys.stderr.flush()
    except OSError:  # nobody reads it any more
        return


def report_failure(error: Exception) -> int:
    """Report what ended a program; return its exit code.

    Anything but an SshknockError is a fault of our own, and the line says so.
    """
    if isinstance(error, SshknockError):
        report(error)
        return error.exit_code
    if os.environ.get("SSHKNOCK_DEBUG") == "1":
        sys.excepthook(type(error), error, error.__traceback__)
    fault = SshknockError(
        f"unexpected {type(error).__name__}: {error}",
        "this is a fault of sshknock: please report it; SSHKNOCK_DEBUG=1 shows where",
    )
    report(fault)
    return fault.exit_code


def one_line(text: str) -> str:
    """Return the text with everything that could move a terminal's cursor shown as ``?``."""
    return "".join(c if c.isprintable() else "?" for c in text)
