"""Lines at a terminal, and where there is none."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest

from sshknock.errors import SshknockError, report
from sshknock.wrapping import fitted

LINE = "sshknock: hint: the server's log tells: 'sshknock-server log --lines 20' there, as root"


@contextmanager
def terminal(columns: int) -> Iterator[tuple[TextIO, int]]:
    """Yield a stream to a terminal of this width, and where what it shows is read."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        with os.fdopen(slave, "w") as stream:
            yield stream, master
    finally:
        os.close(master)


def shown(stream: TextIO, master: int) -> list[str]:
    """End a terminal's program; return the lines that it showed."""
    stream.close()
    text = b""
    with suppress(OSError):  # nobody has the other end any more
        while True:
            text += os.read(master, 4096)
    return text.decode().splitlines()


def test_a_line_that_fits_stays_as_it_is() -> None:
    """To the last column."""
    with terminal(len(LINE)) as (stream, _):
        assert fitted(LINE, stream, hang=10) == LINE


def test_a_long_line_hangs_and_breaks_no_command() -> None:
    """The command comes whole on a line of its own; an apostrophe begins none."""
    with terminal(60) as (stream, _):
        assert fitted(LINE, stream, hang=10).splitlines() == [
            "sshknock: hint: the server's log tells:",
            "          'sshknock-server log --lines 20' there, as root",
        ]


def test_what_cannot_be_broken_is_left_to_the_terminal() -> None:
    """A path or an option is copied as a whole, so nothing is put into it."""
    long = "/a-b/" + "x" * 80
    with terminal(40) as (stream, _):
        assert fitted(f"see {long}", stream, hang=2) == f"see\n  {long}"


@pytest.mark.parametrize("columns", [0, 20])
def test_a_terminal_without_a_width_breaks_nothing(columns: int) -> None:
    """Unknown, or so narrow that a hanging indent would leave no room."""
    with terminal(columns) as (stream, _):
        assert fitted(LINE, stream, hang=10) == LINE


def test_where_there_is_no_terminal_a_line_is_a_line(tmp_path: Path) -> None:
    """For grep and logs: a file, and a stream that has no descriptor."""
    with (tmp_path / "log").open("w") as file:
        assert fitted(LINE * 9, file, hang=2) == LINE * 9
    assert fitted(LINE * 9, io.StringIO(), hang=2) == LINE * 9


def test_messages_are_fitted_to_the_users_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Message and hint, as ssh shows those of its ProxyCommand."""
    with terminal(50) as (stream, master):
        monkeypatch.setattr("sys.stderr", stream)
        report(SshknockError("a message of some length that does not fit", "one word " * 6))
        monkeypatch.undo()
        lines = shown(stream, master)
    assert [line[:10] for line in lines] == ["sshknock: ", " " * 10, "sshknock: ", " " * 10]
    assert all(len(line) <= 50 for line in lines)
