"""When the port was visible although it should have been hidden.

Nobody knows it to the second: the table was seen intact, and the next time it was not. What
``init``, ``hide`` and ``unhide`` do is no exposure.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from sshknock.server.moments import between, boot_id, booted_at, local_time
from sshknock.server.store import Store

_KEY = "exposure"
_INTACT_AT = "table intact at"
_BOOT = "table intact in boot"
_TOLD_FOR_S = 7 * 24 * 3600
_NOTICED_BY = {
    "boot": "the boot unit",
    "daemon": "the supervisor",
    "end": "the end of a session",
    "init": "'sshknock-server init'",
    "knock": "a knock",
    "reload": "the supervisor",
    "session": "a login",
    "start": "the supervisor's start",
    "status": "'sshknock-server status'",
    "table": "the supervisor",
    "timer": "the regular check",
}

FLUSHED = "our table was gone: nftables was flushed or reloaded, or somebody deleted it"
CHANGED = "the table was changed by somebody else"
STARTED = "the server was started"
TAKEN_OUT = "the port was taken out of the table"

_MEANT = {
    FLUSHED: "if you reloaded the firewall then",
    STARTED: "if you restarted the server then",
}


def who_noticed(reason: str) -> str:
    """Return who called reconcile for this reason, as people read it."""
    return _NOTICED_BY.get(reason, "a command")


@dataclass(frozen=True, slots=True)
class Exposure:
    """The port was visible at some time from ``since`` on (Unix seconds), at least when noticed.

    ``until`` is when the table stood again; None as long as it does not.
    """

    since: int
    until: int | None
    cause: str
    noticed_by: str

    def sentence(self, ports: str) -> str:
        """Tell it, of ports as people read them."""
        how = f"({self.cause}; noticed by {self.noticed_by})"
        if self.until is None:
            return f"Port {ports} is visible, since some time after {local_time(self.since)} {how}."
        return f"Port {ports} was visible at some time {between(self.since, self.until)} {how}."

    @property
    def remedy(self) -> str:
        """What to do about one that is over."""
        meant = _MEANT.get(self.cause, "if that was you")
        return f"nothing, {meant}; 'sshknock-server log' has it"


def last(store: Store, now: int) -> Exposure | None:
    """Return the latest exposure; None when there was none in the last days."""
    exposure = _stored(store)
    if exposure is None or (exposure.until or now) < now - _TOLD_FOR_S:
        return None
    return exposure


def begin(store: Store, now: int, *, cause: str, reason: str) -> None:
    """Note that the table is not as it was when it was last seen; ``reason`` is who looked."""
    intact_at = store.meta(_INTACT_AT)
    current = _stored(store)
    if intact_at is None or (current is not None and current.until is None):
        return
    since = int(intact_at)
    if store.meta(_BOOT) not in {None, boot_id()}:
        since, cause = max(since, booted_at(now)), STARTED
    exposure = Exposure(min(since, now), None, cause, who_noticed(reason))
    _keep(store, exposure)
    detail = f"since some time after {local_time(exposure.since)}: {cause}"
    store.record("exposed", now, detail=f"{detail}; noticed by {exposure.noticed_by}")


def note_intact(store: Store, now: int) -> None:
    """Note that the table stands; an exposure that was not over is over."""
    store.set_meta(_INTACT_AT, str(now))
    store.set_meta(_BOOT, boot_id())
    current = _stored(store)
    if current is not None and current.until is None:
        _keep(store, replace(current, until=now))


def _stored(store: Store) -> Exposure | None:
    text = store.meta(_KEY)
    return None if text is None else Exposure(**json.loads(text))


def _keep(store: Store, exposure: Exposure) -> None:
    store.set_meta(_KEY, json.dumps(asdict(exposure)))
