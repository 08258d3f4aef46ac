"""The one strict parser of every short string and number that comes from outside."""

from __future__ import annotations

import re

from sshknock.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_HOST_LONGEST = 253
_PAIRING_ID_DIGITS = 16
_ADMISSION_LONGEST_S = 1 << 31


def parse_name(text: str) -> str:
    """Return a pairing's name: letters, digits, dot, dash and underscore, at most 63."""
    if not _NAME.fullmatch(text):
        raise BadInput(
            f"{shown(text)} is no name for a pairing",
            "letters, digits, '.', '-' and '_', the first a letter or a digit, at most 63",
        )
    return text


def parse_host(text: str) -> str:
    """Return a host name or an address, in lower case and without a final dot (RFC 1123)."""
    host = text.lower()
    if ":" in host or host[:1].isdigit():
        # Costs more than all the rest here, and most hosts have names.
        from sshknock.protocol.addresses import canonical  # noqa: PLC0415

        address = canonical(text)
        if address is not None:
            return address
    host = host.removesuffix(".")
    if not host or len(host) > _HOST_LONGEST or not all(map(_LABEL.fullmatch, host.split("."))):
        raise BadInput(f"{shown(text)} is no host name and no address")
    return host


def parse_port(text: str | int) -> int:
    """Return a TCP port, 1..65535."""
    digits = str(text)
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= len("65535")):
        raise BadInput(f"{shown(digits)} is no port")
    port = int(digits)
    if not 1 <= port <= 65535:  # noqa: PLR2004  the range of ports
        raise BadInput(f"{port} is no port: they go from 1 to 65535")
    return port


def is_pairing_id(text: str) -> bool:
    """Tell whether this could be a pairing's id: 16 lower-case hexadecimal digits."""
    return len(text) == _PAIRING_ID_DIGITS and all(c in "0123456789abcdef" for c in text)


def is_admission(value: object) -> bool:
    """Tell whether this could be the seconds of an admission."""
    return type(value) is int and 0 <= value <= _ADMISSION_LONGEST_S


def shown(text: str, longest: int = 60) -> str:
    """Return a text for a message: quoted, escaped and not too long."""
    return repr(text if len(text) <= longest else text[:longest] + "...")
