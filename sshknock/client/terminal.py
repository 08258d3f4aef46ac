"""The user's terminal: asking for a password, or for a token, without showing it anywhere."""

from __future__ import annotations

import getpass
import sys

from sshknock.errors import BadInput, one_line


def ask_password(prompt: str) -> str | None:
    """Ask on the terminal; return None when there is none, or a Ctrl-D is all the answer.

    Never on standard input: that may belong to somebody else, as in a pipe.
    """
    try:
        with open("/dev/tty", "r+b", buffering=0):  # noqa: PTH123  a device, not a path
            pass
    except OSError:
        return None
    try:
        return getpass.getpass(one_line(prompt))
    except EOFError:
        return None


def read_token() -> str:
    """Return what standard input says, after a word to whoever sits at a terminal there."""
    if sys.stdin.isatty():
        print("Paste the token, then Enter and Ctrl-D:", file=sys.stderr)
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise BadInput("the token is no text") from error


def agrees(question: str) -> bool | None:
    """Ask for a yes or a no on the terminal; return None when there is none.

    Whatever is not yes is no. What a server says may be part of the question, which may have
    several lines of its own.
    """
    lines = [one_line(line) for line in question.split("\n")]
    try:
        with open("/dev/tty", "r+b", buffering=0) as tty:  # noqa: PTH123
            tty.write("{} [y/N] ".format("\n".join(lines)).encode())
            answer = tty.readline()
    except OSError:
        return None
    return answer.decode(errors="replace").strip().lower() in {"y", "yes"}
