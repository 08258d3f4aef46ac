"""What the user gave a command: its options as they were written, and the text of a file."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.core import ParameterSource

from sshknock.errors import BadInput, SystemFault


def read(file: str, name: str) -> str:
    """Return a file's text, or standard input's; raise SystemFault or BadInput."""
    try:
        octets = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return octets.decode("utf-8")
    except OSError as error:
        raise SystemFault(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput("no text") from error


def is_given(name: str) -> bool:
    """Tell whether the user said an option of the command that runs."""
    source = click.get_current_context().get_parameter_source(name)
    return source not in {None, ParameterSource.DEFAULT}


def option_of(name: str) -> str:
    """Return the option as users write it."""
    command = click.get_current_context().command
    return next(parameter.opts[0] for parameter in command.params if parameter.name == name)
