"""What the system's log is told: the journal with fields, any other syslog by a line."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sshknock.server import system_log
from sshknock.server.store import Event

OPENED = Event(7, 1700000000, "open", "laptop", "192.0.2.7", 12, "")
EXPOSED = Event(8, 1700000001, "exposed", None, None, None, 'by "them"\nPRIORITY=0')


@pytest.fixture(autouse=True)
def _nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No log of the machine hears of the tests."""
    monkeypatch.setattr(system_log, "JOURNAL", tmp_path / "journal")
    monkeypatch.setattr(system_log, "SYSLOG", tmp_path / "log")


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A log daemon's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))
        daemon.setblocking(False)
        yield daemon


def test_the_journal_gets_fields() -> None:
    """Those that `journalctl -t sshknock SSHKNOCK_CLIENT=laptop` asks for, and syslog's own."""
    with listening(system_log.JOURNAL) as journal, listening(system_log.SYSLOG) as syslog:
        system_log.tell(OPENED)
        assert journal.recv(9999).decode().splitlines() == [
            "MESSAGE=open client=laptop address=192.0.2.7 counter=12",
            "PRIORITY=6",
            "SYSLOG_FACILITY=10",
            "SYSLOG_IDENTIFIER=sshknock",
            f"SYSLOG_PID={os.getpid()}",
            "SSHKNOCK_EVENT=open",
            "SSHKNOCK_CLIENT=laptop",
            "SSHKNOCK_ADDRESS=192.0.2.7",
            "SSHKNOCK_COUNTER=12",
        ]
        with pytest.raises(BlockingIOError):
            syslog.recv(9999)


def test_any_other_syslog_gets_a_line() -> None:
    """Of authpriv, as sshd's are, with our name and process."""
    with listening(system_log.SYSLOG) as syslog:
        system_log.tell(OPENED)
        line = syslog.recv(9999).decode()
    assert re.fullmatch(
        r"<86>[A-Z][a-z]{2} [ 0-9]\d \d\d:\d\d:\d\d sshknock\[\d+\]:"
        r" open client=laptop address=192\.0\.2\.7 counter=12",
        line,
    )


def test_nothing_that_was_said_can_look_like_a_field_or_a_line() -> None:
    """A line feed is shown as ?, a quotation mark as another one; a warning is one."""
    with listening(system_log.JOURNAL) as journal:
        system_log.tell(EXPOSED)
        lines = journal.recv(9999).decode().splitlines()
    assert lines[0] == "MESSAGE=exposed detail=\"by 'them'?PRIORITY=0\""
    assert [line for line in lines if line.startswith("PRIORITY=")] == ["PRIORITY=4"]
    assert lines[-1] == 'SSHKNOCK_DETAIL=by "them"?PRIORITY=0'


def test_nobody_waits_for_a_log_that_hangs() -> None:
    """The kernel's queue of a daemon that reads nothing gets full: what follows is left out."""
    with listening(system_log.JOURNAL) as journal:
        filled = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            try:
                while True:
                    other.sendto(b"x" * 9999, str(system_log.JOURNAL))
                    filled += 1
            except BlockingIOError:
                system_log.tell(OPENED)
        assert filled
        assert {journal.recv(9999) for _ in range(filled)} == {b"x" * 9999}
        with pytest.raises(BlockingIOError):
            journal.recv(9999)


def test_without_any_log_nothing_fails() -> None:
    """Nor where a journal has gone and left its socket: then syslog is told."""
    system_log.tell(OPENED)
    with listening(system_log.JOURNAL):
        pass
    system_log.tell(OPENED)
    with listening(system_log.SYSLOG) as syslog:
        system_log.tell(OPENED)
        assert syslog.recv(9999).endswith(b"counter=12")
