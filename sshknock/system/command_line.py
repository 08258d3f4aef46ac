"""How the programs for people end: one line, a hint, an exit code, and never a traceback."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sshknock.errors import (
    EXIT_DONE,
    BadInput,
    SshknockError,
    SystemFault,
    UsageError,
    report,
    report_failure,
)

_UNITS_S = {"s": 1, "m": 60, "h": 3600}
INTERRUPTED = 130
_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def run_program(group: click.Group, name: str) -> int:
    """Run a command line; return the exit code. ``SSHKNOCK_DEBUG=1`` shows tracebacks."""
    try:
        result = group.main(prog_name=name, standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except (click.Abort, KeyboardInterrupt):
        if sys.stderr is not None:
            sys.stderr.write("\nsshknock: interrupted\n")
        return INTERRUPTED
    except click.ClickException as error:
        shown = UsageError(_sentence(error.format_message()), f"see '{_asked(error, name)} --help'")
        report(shown)
        return shown.exit_code
    except BrokenPipeError:
        # The reader of our output went away, as head does: that is no fault.
        _drop_output()
        return EXIT_DONE
    except OSError as error:
        if error.errno not in _CANNOT_WRITE or error.filename is not None:
            return report_failure(error)
        _drop_output()
        return report_failure(SystemFault(f"cannot write the output: {error.strerror}"))
    except Exception as error:  # noqa: BLE001  the last line of defence, and it says so
        return report_failure(error)
    return result if isinstance(result, int) else EXIT_DONE


def print_parts(parts: Iterable[str]) -> None:
    """Print a long text part by part. A reader that goes away, as head does, ends it: no fault."""
    try:
        for part in parts:
            click.echo(part, nl=False)
    except BrokenPipeError:
        _drop_output()


def _drop_output() -> None:
    """Let what is still in the buffer go nowhere, so that it is not tried again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def reading_arguments(hint: str | None = None) -> Iterator[None]:
    """Let what a strict parser refuses be a mistake in the command: UsageError, not BadInput.

    ``hint`` is said where the parser has none.
    """
    try:
        yield
    except BadInput as error:
        raise UsageError(error.message, error.hint or hint) from error


def read_private(name: str) -> str:
    """Return what a file with a secret says, ``-`` being standard input."""
    try:
        if name == "-":
            return sys.stdin.read()
        return Path(name).read_text()
    except OSError as error:
        raise SshknockError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SshknockError(f"{name} is no text") from error


def parse_time(text: str) -> int:
    """Return seconds of a TIME: a whole number with s, m or h; raise UsageError."""
    match = re.fullmatch(r"([0-9]{1,6})([smh])", text)
    if match is None:
        raise UsageError(f"{text!r} is no time", "a number with s, m or h: 30s, 5m, 1h")
    return int(match[1]) * _UNITS_S[match[2]]


def _sentence(text: str) -> str:
    """Return click's message as one of ours: in lower case, without a final dot."""
    text = " ".join(text.split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _asked(error: click.ClickException, name: str) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return context.command_path if context is not None else name
