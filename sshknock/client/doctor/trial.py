"""A few trains, each of which listens, to see whether the server opens, and for which counter.

The rules are those of a login: under the pairing's lock, the state saved before the first packet
leaves, a confirm for what was read, and the close train at the end. After two attempts like a
login's come a few points of a search, which open for a pair that fell out of step.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from sshknock.client.connect import NoWatch, connect
from sshknock.client.doctor.packets import LISTEN_S, Heard, ListeningTrain
from sshknock.client.knock import NothingSent, pacing
from sshknock.client.manual import read_identification
from sshknock.client.opening import prepare, send_close
from sshknock.client.route import Route
from sshknock.client.state import OPENED, PairingState, Store
from sshknock.client.sync import Met
from sshknock.protocol.counters import ClientCounters, search_points
from sshknock.records import replace

LOGIN_ATTEMPTS = 2
SEARCH_POINTS = 4
_PACING = pacing(1)  # that of a login's second attempt: the first may be too quick for the link


@dataclass(slots=True)
class Trial:
    """What was sent over one route, and what came of it.

    ``opened`` is the counter that did; ``mute`` tells that sshd said nothing
    through the open door.
    """

    route: Route
    before: PairingState
    sent: list[int] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    opened: int | None = None
    identification: str | None = None
    mute: bool = False

    @property
    def met(self) -> Met | None:
        """How the two sides met again, if they had been out of step."""
        if self.opened is None:
            return None
        sent = max((self.before.counters.sent, *self.sent))
        met = Met.by_knocking(self.opened, self.before, sent)
        return met if met.ahead or met.behind else None


def try_to_open(store: Store, route: Route, *, refused: bool, search: bool = True) -> Trial:
    """Send trains until one opens; ``refused`` tells that the port was just seen to refuse.

    The caller holds the pairing's lock. Ends early when this machine keeps knocks back.
    """
    trial = Trial(route, store.load())
    for counter, counters in _attempts(store, trial, search=search):
        connection = _attempt(store, trial, counter, counters)
        if connection is not None:
            with connection:
                trial.identification = read_identification(connection)
            if trial.identification is None:
                trial.mute = True
            else:
                trial.opened = counter
                trains = (*trial.sent, counter)
                confirmed = store.load().confirmed(
                    counter, trains=trains, shut=True, refused=refused, now=_now()
                )
                store.save(confirmed)
            _leave(store, route, counter)
            return trial
        if trial.heard.udp_forbidden or trial.heard.tcp_dropped_here:
            return trial
    return trial


def _attempts(store: Store, trial: Trial, *, search: bool) -> Iterator[tuple[int, ClientCounters]]:
    """Yield counters, each with what is to be stored before its train leaves."""
    window = trial.before.parameters.window
    for attempt in range(LOGIN_ATTEMPTS):
        yield store.load().counters.next(attempt, window)
    if search:
        near = search_points(trial.before.counters.confirmed, window)
        points = [n for n in itertools.islice(near, SEARCH_POINTS) if n not in trial.sent]
        for counter in (*points, *reversed(points)):  # there and back, as a search does
            yield counter, store.load().counters.sending(counter)


def _attempt(
    store: Store, trial: Trial, counter: int, counters: ClientCounters
) -> socket.socket | None:
    before = store.load()
    ready = prepare(before, counter, counters)
    store.save(ready.state)
    try:
        with ListeningTrain(
            trial.route, ready.sequence, pacing_s=_PACING, flush=ready.flush
        ) as train:
            connection = connect(trial.route, NoWatch(), limit_s=LISTEN_S).connection
            heard = train.heard()
    except NothingSent as error:
        store.save(before)
        raise error.error from error
    trial.heard += heard
    if heard.left:
        trial.sent.append(counter)
    else:
        store.save(before)
    return connection


def _leave(store: Store, route: Route, counter: int) -> None:
    """Close the door as a login does."""
    state = store.load()
    with suppress(NothingSent):
        send_close(route, state, counter, attempt=1)
        used = state.last_result == OPENED
        store.save(replace(state, last_train=_now(), closed=used))


def _now() -> int:
    return int(time.time())
