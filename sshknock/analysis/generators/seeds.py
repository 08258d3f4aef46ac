"""Seeds from the clock, as the paper has them: a function of the system's time, of one's choice.

"This function takes into account the least significant digits as well as the decimal digits"
(section II.A). Times are nanoseconds since 1970. Anybody who knows about when a file was made can
try all of its seeds: ``sshknock analyze --attack``.

And seeds in hexadecimal digits, which can be had again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sshknock.errors import BadInput
from sshknock.protocol.names import shown

SEED_DIGITS = 2
SECOND_NS = 10**9
_HEX = re.compile(r"([0-9a-fA-F]{2}){1,64}", re.ASCII)
_TIME = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?", re.ASCII)


def digits(time_ns: int, of_seconds: int = SEED_DIGITS) -> int:
    """Return the last digits of the whole seconds with the six decimal digits behind them."""
    again_after: int = 10 ** (of_seconds + 6)
    return time_ns // 1000 % again_after


SEED_FUNCTIONS: dict[str, Callable[[int], int]] = {
    "digits": digits,
    "decimals": lambda time_ns: digits(time_ns, 0),
    "seconds": lambda time_ns: time_ns // SECOND_NS,
    "milliseconds": lambda time_ns: time_ns // 10**6,
    "microseconds": lambda time_ns: time_ns // 1000,
    "nanoseconds": lambda time_ns: time_ns,
}
"""By name. ``digits`` alone takes a second number: how many digits of the seconds."""


def parse_moment(text: str) -> int:
    """Return the nanoseconds of Unix seconds with up to nine decimals: ``1491555600.125``."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadInput(
            f"{shown(text)} is no moment", "Unix seconds, decimals allowed: 1491555600.125"
        )
    return int(found[1]) * SECOND_NS + int((found[2] or "").ljust(9, "0"))


def hex_seed(text: str, what: str) -> bytes:
    """Return the bytes of hexadecimal digits; the error repeats ``what`` alone."""
    if not _HEX.fullmatch(text):
        raise BadInput(
            f"{what} is no hexadecimal number", "an even number of digits 0-9 and a-f, at most 128"
        )
    return bytes.fromhex(text)
