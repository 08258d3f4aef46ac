"""Whether the port is hidden, on trial or visible, and by whose will.

A trial is a promise: unless a knocked login confirms it in time, the port is given back. The kernel
keeps it, by a timeout on the port's element, even when every process of ours is dead. The books
know the deadline, for what the kernel forgets: a reboot, a flushed ruleset. Then the shorter counts
of the time to the deadline and the time that was left when we last looked: a clock that jumps back
cannot make a trial longer. And as long as the kernel does know, its word counts, whatever the clock
says: a port that it gave back stays visible until somebody says ``hide``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import Enum

from sshknock.errors import SshknockError
from sshknock.server import proc
from sshknock.server.moments import local_time, span
from sshknock.server.store import Kind, Store

TRIAL_LONGEST_S = 24 * 3600
HOW_TO_HIDE = "'sshknock-server hide', on trial with --trial 10m"
_KEY = "hiding"
_OPENINGS_AT_MOST = 8  # of an address: a login is told within seconds of its door
_LATE_S = 10  # a connection that was let in at the last moment, and lost its first packets


class Mode(Enum):
    """What the administrator wants, or what a trial came to."""

    HIDDEN = "hidden"
    TRIAL = "trial"
    UNHIDDEN = "unhidden"
    TRIAL_OVER = "trial over"


_HAPPENED: dict[Mode, Kind] = {
    Mode.HIDDEN: "hidden",
    Mode.TRIAL: "trial",
    Mode.UNHIDDEN: "unhidden",
    Mode.TRIAL_OVER: "trial-over",
}


@dataclass(frozen=True, slots=True)
class Hiding:
    """How the port is hidden, ``since`` when (Unix seconds).

    Of a trial: ``until`` is its deadline, ``left_s`` how long the kernel may hide the port yet.
    ``applied`` is when the kernel was told, in clock ticks since boot; None: it was not.
    ``knocked`` are the addresses that have opened a door since, with the latest of these openings:
    each as the ticks before which it was not, and those when it was known.
    """

    mode: Mode
    since: int
    until: int = 0
    left_s: int = 0
    applied: int | None = None
    knocked: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    @property
    def is_visible(self) -> bool:
        """Tell whether the port is to be seen by everybody."""
        return self.mode in {Mode.UNHIDDEN, Mode.TRIAL_OVER}

    def remaining_s(self, now: int) -> int:
        """Return for how long a trial goes on, by the clock and by what was left."""
        return min(self.until - now, self.left_s)

    def ends_at(self, now: int | None) -> int:
        """Return the deadline of a trial, as the clock goes ``now`` if that is given."""
        if now is None:
            return self.until
        return min(self.until, now + self.left_s + 1)  # the kernel's seconds are rounded down

    def sentence(self, ports: str, interface: str, now: int | None = None) -> str:
        """Tell it, of ports as people read them; with ``now`` also how long a trial goes on."""
        if self.mode is Mode.UNHIDDEN:
            return f"Port {ports} is visible since {local_time(self.since)}: unhidden by hand."
        if self.mode is Mode.TRIAL_OVER:
            ended = f"the trial ended at {local_time(self.since)} without a knocked login"
            return f"Port {ports} is visible: {ended}."
        hidden = f"Port {ports} is hidden on {interface}"
        if self.mode is Mode.TRIAL:
            left = "" if now is None else f" ({span(self.remaining_s(now))} left)"
            return f"{hidden}, on trial until {local_time(self.ends_at(now))}{left}."
        return f"{hidden}."

    def elements(self, ports: tuple[int, ...], now: int) -> dict[int, int | None]:
        """Return the ports that the kernel is to hide, and for how many seconds."""
        if self.is_visible:
            return {}
        return dict.fromkeys(ports, self.remaining_s(now) if self.mode is Mode.TRIAL else None)


def unhidden(now: int) -> Hiding:
    """Return a port that is visible until somebody hides it."""
    return Hiding(Mode.UNHIDDEN, now)


def for_good(now: int) -> Hiding:
    """Return the hiding that nothing ends by itself."""
    return Hiding(Mode.HIDDEN, now)


def on_trial(now: int, trial_s: int) -> Hiding:
    """Return a trial that begins now."""
    return Hiding(Mode.TRIAL, now, until=now + trial_s, left_s=trial_s)


def of(store: Store) -> Hiding:
    """Return how the port is hidden."""
    text = store.meta(_KEY)
    if text is None:
        return for_good(0)
    values = json.loads(text)
    return Hiding(**{**values, "mode": Mode(values["mode"])})


def keep(store: Store, hiding: Hiding) -> None:
    """Write it into the books."""
    store.set_meta(_KEY, json.dumps({**asdict(hiding), "mode": hiding.mode.value}))


def change(store: Store, hiding: Hiding, *, by: str) -> None:
    """Hide or show the port from now on, and log it; ``by`` is the command."""
    detail = f"by {by}"
    if hiding.mode is Mode.TRIAL:
        detail += f", until {local_time(hiding.until)}"
    store.record(_HAPPENED[hiding.mode], hiding.since, detail=detail)
    keep(store, replace(hiding, applied=None, knocked={}))


def confirm(store: Store, now: int, *, address: str | None = None) -> None:
    """End a trial well: the port stays hidden. ``address`` is whose login did it, None by hand."""
    detail = "by a knocked login" if address else "by hand"
    store.record("confirmed", now, address=address, detail=detail)
    keep(store, for_good(now))


def note_knock(store: Store, address: str, not_before: int, known: int) -> None:
    """Note that an address has opened a door between two moments (clock ticks since boot).

    Only a trial needs it. The session may be over when its login is told: that one is enough.
    """
    hiding = of(store)
    if hiding.mode is Mode.TRIAL and hiding.applied is not None and not_before >= hiding.applied:
        openings = [*hiding.knocked.get(address, []), (not_before, known)][-_OPENINGS_AT_MOST:]
        keep(store, replace(hiding, knocked={**hiding.knocked, address: openings}))


def note_guest_gone(store: Store, address: str, now: int) -> None:
    """Note that an address is no guest any more, ``now`` in clock ticks since boot.

    An sshd that started before may serve it as a guest, whether or not it also knocked.
    """
    hiding = of(store)
    openings = hiding.knocked.get(address)
    if openings is not None:
        later = [(max(not_before, now), known) for not_before, known in openings]
        keep(store, replace(hiding, knocked={**hiding.knocked, address: later}))


def has_knocked(store: Store, address: str, started: int, admitted_s: int) -> bool:
    """Tell whether a trial runs, and an sshd that ``started`` then serves who opened a door.

    ``admitted_s`` is how long an opened door lets its address in: who comes later came by another
    way.
    """
    stands = (admitted_s + _LATE_S) * proc.TICKS_A_SECOND
    openings = of(store).knocked.get(address, [])
    return any(not_before <= started <= known + stands for not_before, known in openings)


def confirm_by_hand(store: Store, now: int) -> bool:
    """Confirm a trial; False when there is none. Raises SshknockError when it is over."""
    hiding = of(store)
    if hiding.is_visible:
        raise SshknockError(
            "there is nothing to confirm: the port is visible", f"to hide it: {HOW_TO_HIDE}"
        )
    if hiding.mode is Mode.HIDDEN:
        return False
    confirm(store, now)
    return True


def heed(store: Store, ports: tuple[int, ...], present: Mapping[int, int | None], now: int) -> bool:
    """Take the kernel's word: ``present`` is what an intact table hides, and how long yet.

    Returns False when a port that is to be hidden for good is not there any more.
    """
    hiding = of(store)
    if hiding.applied is None:
        return True
    is_there = set(ports) <= present.keys()
    if hiding.mode is not Mode.TRIAL:
        return is_there or hiding.is_visible
    if not is_there:
        _end(store, hiding, now)
    else:
        left = [seconds for port in ports if (seconds := present[port]) is not None]
        keep(store, replace(hiding, left_s=min([hiding.left_s, *left])))
    return True


def forget_applied(store: Store) -> None:
    """Note that the kernel has to be told anew, and knows of no knock any more."""
    keep(store, replace(of(store), applied=None, knocked={}))


def end_overdue(store: Store, now: int) -> None:
    """End a trial that the kernel does not know of, and that is over by the books."""
    hiding = of(store)
    if hiding.mode is Mode.TRIAL and hiding.applied is None and hiding.remaining_s(now) <= 0:
        _end(store, hiding, now)


def note_applied(store: Store, ticks: int) -> None:
    """Note that the kernel was told, after ``ticks`` since boot."""
    hiding = of(store)
    if hiding.applied is None:
        keep(store, replace(hiding, applied=ticks))


def _end(store: Store, hiding: Hiding, now: int) -> None:
    over_at = min(hiding.until, now)
    store.record("trial-over", now, detail="nobody had logged in by a knock")
    keep(store, Hiding(Mode.TRIAL_OVER, over_at))
