"""Every line of our log goes to the system's as well: to the journal with its fields, or to syslog.

Nothing here waits: a log daemon that hangs must keep nobody out. What it does not take is in the
books all the same. The lines are one word, values and a detail in quotation marks::

    sshknock[4711]: open client=laptop address=192.0.2.7 counter=12
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

from sshknock.errors import one_line
from sshknock.server.store import WARNINGS, Event

JOURNAL = Path("/run/systemd/journal/socket")  # systemd.io/JOURNAL_NATIVE_PROTOCOL
SYSLOG = Path("/dev/log")

_NAME = "sshknock"
_AUTHPRIV = 10  # RFC 5424, section 6.2.1
_INFO = 6
_WARNING = 4


def tell(event: Event) -> None:
    """Tell the system's log, if there is one that listens."""
    values = _values(event)
    message = _message(event, values)
    priority = _WARNING if event.kind in WARNINGS else _INFO
    try:
        _send(JOURNAL, _for_journal(message, priority, {"event": event.kind, **values}))
    except BlockingIOError:
        return  # it is there, and hangs
    except OSError:
        with suppress(OSError):
            _send(SYSLOG, _for_syslog(message, priority))


def _values(event: Event) -> dict[str, str]:
    """Return what an event has, by the names that people filter by."""
    found = {
        "client": event.pairing,
        "address": event.address,
        "counter": None if event.counter is None else str(event.counter),
        "detail": event.detail or None,
    }
    return {name: one_line(value) for name, value in found.items() if value is not None}


def _message(event: Event, values: dict[str, str]) -> str:
    words = [event.kind]
    for name, value in values.items():
        quoted = '"' + value.replace('"', "'") + '"' if name == "detail" else value
        words.append(f"{name}={quoted}")
    return " ".join(words)


def _for_journal(message: str, priority: int, values: dict[str, str]) -> bytes:
    """Return a datagram of the journal's: a line for each field, of which none has a line feed."""
    fields = {
        "MESSAGE": message,
        "PRIORITY": str(priority),
        "SYSLOG_FACILITY": str(_AUTHPRIV),
        "SYSLOG_IDENTIFIER": _NAME,
        "SYSLOG_PID": str(os.getpid()),
        **{f"SSHKNOCK_{name.upper()}": value for name, value in values.items()},
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def _for_syslog(message: str, priority: int) -> bytes:
    when = time.strftime("%b %e %H:%M:%S")
    return f"<{_AUTHPRIV * 8 + priority}>{when} {_NAME}[{os.getpid()}]: {message}".encode()


def _send(path: Path, datagram: bytes) -> None:
    """Send without waiting; raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.sendto(datagram, str(path))
