"""How ``sshknock status`` says things to people."""

from __future__ import annotations

import time

from sshknock.client.config import Pairing
from sshknock.client.state import FAILED, NOT_HIDDEN
from sshknock.client.status.answers import Answer
from sshknock.client.status.looks import Look

NEVER = "never"
UNKNOWN = "?"

_SSH_PORT = 22
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3600, 86400, 604800
_NOW_S = 10

_ANSWERS = {
    Answer.REFUSED: "hidden",
    Answer.SILENT: "silent",
    Answer.OPEN: "open",
    Answer.UNREACHABLE: "unreachable",
    Answer.NO_ADDRESS: "no address",
    Answer.BUSY: "busy",
    Answer.ADMITTED: "let in still",
}


def server(pairing: Pairing) -> str:
    """Return a host, with its port where that is not ssh's own."""
    host, number = pairing.host, pairing.port
    if number == _SSH_PORT:
        return host
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def port(look: Look) -> str:
    """Return whether the port is hidden, in a word or three."""
    if look.answer is not None:
        return _ANSWERS[look.answer]
    if look.state is not None and look.state.last_result == NOT_HIDDEN:
        return "no knock needed"
    if look.state is not None and look.state.last_result == FAILED:
        return "knocking" if look.is_knocking else "did not open"
    return "hidden" if look.seen_hidden else UNKNOWN


def counter(number: int) -> str:
    """Return a counter; -1 is none."""
    return "none" if number < 0 else str(number)


def ago(seconds: int | None, now: float) -> str:
    """Return a time as people say it, and as a date when it is older than a week."""
    if seconds is None:
        return NEVER
    past = now - seconds
    if past < -_NOW_S or past >= _WEEK:
        return time.strftime("%Y-%m-%d", time.localtime(seconds))
    if past < _NOW_S:
        return "just now"
    if past < _MINUTE:
        return f"{past:.0f} s ago"
    if past < _HOUR:
        return f"{past // _MINUTE:.0f} min ago"
    if past < _DAY:
        return f"{past // _HOUR:.0f} h ago"
    days = int(past // _DAY)
    return "1 day ago" if days == 1 else f"{days} days ago"


def at(seconds: int) -> str:
    """Return a time in full, by this machine's clock."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
