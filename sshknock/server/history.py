"""The log for those who ask: which lines are wanted, and what a line is for programs.

The form for programs is stable; ``docs/log.md`` describes it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sshknock.errors import UsageError
from sshknock.protocol.addresses import parse_address
from sshknock.protocol.names import shown
from sshknock.server.networks import Network
from sshknock.server.store import Event

_AGO = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines of the log are asked for; what is None or empty leaves none out."""

    client: str | None = None
    since: int | None = None
    network: Network | None = None
    kinds: frozenset[str] = frozenset()

    def has(self, event: Event) -> bool:
        """Tell whether a line is asked for."""
        return (
            (self.client is None or self.client.lower() == (event.pairing or "").lower())
            and (self.since is None or event.at >= self.since)
            and (not self.kinds or event.kind in self.kinds)
            and (self.network is None or self._is_from(event.address))
        )

    def of(self, events: Iterable[Event]) -> list[Event]:
        """Return the lines that are asked for."""
        return [event for event in events if self.has(event)]

    def _is_from(self, address: str | None) -> bool:
        return (
            self.network is not None
            and address is not None
            and parse_address(address) in self.network
        )


def parse_since(text: str, now: int) -> int:
    """Return a moment in Unix seconds: ``2h`` ago, or a date with or without a time.

    A date without a zone is meant as this machine's clock goes. Raises UsageError.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return now - int(ago[1]) * _UNITS_S[ago[2]]
    try:
        # Python 3.10 does not know Z.
        return int(datetime.fromisoformat(re.sub("Z$", "+00:00", text)).timestamp())
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{shown(text)} is no moment", "as 30m, 2h, 3d, 2026-11-22 or '2026-11-22 14:30'"
        ) from None


def as_json(event: Event) -> dict[str, Any]:
    """Return a line as programs get it."""
    return {
        "id": event.id,
        "time": event.at,
        "iso": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(event.at)),
        "event": event.kind,
        "pairing": event.pairing,
        "address": event.address,
        "counter": event.counter,
        "detail": event.detail,
    }
