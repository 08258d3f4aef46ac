"""Opening the door: probe, train, connection, until one attempt is let in.

The counter rules are those of ``protocol.counters``; here they meet the network. The state is saved
before the first packet of every train, so whatever happens after it no counter is sent twice by
mistake, and a failure that is known to have sent nothing is taken back.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator

from sshknock.client.connect import Outcome, Watch, connect
from sshknock.client.knock import NothingSent, pacing, send_train
from sshknock.client.route import Route
from sshknock.client.state import FAILED, NOT_HIDDEN, PairingState, Store
from sshknock.errors import NotOpened, SshknockError
from sshknock.protocol.counters import ClientCounters, search_attempts
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose, Sequence
from sshknock.protocol.list_counters import search_of_list
from sshknock.records import record, replace

RUN_S = 15.0
"""The longest that the attempts of one run take together."""

_WAIT_S = (0.5, 0.6, 0.8, 1.0, 1.2)
_SPREAD_S = 0.5  # so that two who broke each other's trains do not meet again
_PROBE_S = 1.0  # where no round trip is known
_LONGEST_PROBE_S = 3.0
_SEARCH_PACING = 1  # as a run's second attempt: a lost packet would cost the whole search
_MARGIN_S = 0.25
_DAY_S = 24 * 60 * 60


@record
class Prepared:
    """An open train: the state to save before it leaves, its knocks, whether to flush first."""

    state: PairingState
    sequence: Sequence
    flush: bool


class Opening:
    """One run's way through the door of one pairing, under that pairing's lock.

    ``state`` is what was last saved, ``counter`` that of the last train, None before the first, and
    ``attempt`` that train's number, which is also its pacing's. ``route`` is the way it took.
    ``spare`` is for the login that carries more sequences to a server with a list.
    """

    def __init__(
        self,
        store: Store,
        state: PairingState,
        route: Route,
        watch: Watch,
        *,
        spare: bool = False,
    ) -> None:
        self.store = store
        self.state = state
        self.route = route if state.listed is None else _by_ipv4(route)
        self.counter: int | None = None
        self.attempt = 0
        self._spare = spare
        self._doubts = 0  # the place in _WAIT_S for a search
        self._trains: list[int] = []
        self._watch = watch
        self._started = time.monotonic()
        self._probed_s: float | None = None
        self._refused = False
        self._refused_last = False
        self._rtt_s: float | None = None
        self._error: OSError | None = None

    def probe(self) -> socket.socket | None:
        """Connect without any knock, for one round trip; return a connection if the port answers.

        None proves that the port is hidden, which makes the confirm that follows a strong one.
        """
        known = self.state.rtt_ms
        limit_s = _PROBE_S if known is None else min(_LONGEST_PROBE_S, 2 * known / 1000 + 0.1)
        outcome = connect(self.route, self._watch, limit_s=limit_s, patient=False)
        connection = self._seen(outcome)
        if connection is None and outcome.error is None:
            self._probed_s = limit_s
        if connection is not None:
            self._save(replace(self.state, last_result=NOT_HIDDEN))
        return connection

    def attempt_all(self, attempts: int, *, first: int = 0) -> socket.socket:
        """Send trains and try to connect until a connection stands.

        ``first`` is the number of the first attempt, for the choice of counters and of pacing.
        Raises NotOpened after the last attempt, and Abandoned when the watch reports.
        """
        end = self._started + RUN_S
        for attempt in range(first, first + attempts):
            if self._trains and time.monotonic() + self._shortest_s(attempt) > end:
                break  # a train that nobody has the time to follow would only burn its counter
            self.send_train(attempt)
            limit_s = min(self._wait_s(attempt) + _dice(_SPREAD_S), end - time.monotonic())
            connection = self._seen(connect(self.route, self._watch, limit_s=limit_s))
            if connection is not None:
                return connection
            if not self._refused and self._rtt_s is None:
                # Nothing has answered: perhaps only the other family of addresses leads there.
                self._take(self.route.other_way() or self.route)
        raise self._not_opened(len(self._trains), time.monotonic() - self._started)

    def _take(self, route: Route) -> None:
        """Go this way from here on; knocks and connection of an attempt go by one address."""
        if route is not self.route:
            self.route = route
            self._probed_s = None  # it was another address that was seen shut

    def search(self) -> Iterator[socket.socket | None]:
        """Try counters far and near, an attempt a step; yield a connection when one was let in.

        For a pair that lost each other beyond what a run of ssh recovers. Whoever finds that a
        connection came of an earlier train than the last says so by ``doubt``.
        """
        confirmed, known = self.state.counters.confirmed, self.state.listed
        if known is None:
            points = search_attempts(confirmed, self.state.parameters.window)
        else:
            points = search_of_list(confirmed, known.limit())
        for counter in points:
            self._send(counter, self.state.counters.sending(counter), _SEARCH_PACING)
            limit_s = self._wait_s(self._doubts)
            yield self._seen(connect(self.route, self._watch, limit_s=limit_s))

    def doubt(self) -> None:
        """Let a search wait longer after each train: the server is slower than was thought."""
        self._doubts = len(_WAIT_S) - 1

    def send_train(self, attempt: int) -> int:
        """Take the next counter, save that it is used, and send its train; return the counter."""
        if self.state.is_used_up(spare=self._spare):
            raise _used_up(self.store.pairing.name)
        counter, counters = self.state.next(attempt, spare=self._spare)
        self._send(counter, counters, attempt)
        return counter

    def _send(self, counter: int, counters: ClientCounters, attempt: int) -> None:
        before = self.state
        train = prepare(before, counter, counters)
        self._save(train.state)
        try:
            way = _send_either_way(self.route, train.sequence, attempt, flush=train.flush)
            self._take(way)
        except NothingSent as error:
            self._save(before)
            raise self._not_sent(error.error) from error
        self.counter, self.attempt = counter, attempt
        self._trains.append(counter)

    def confirm(self) -> int:
        """Record that an identification line came through the last train's door; return that."""
        if self.counter is None:
            raise AssertionError("a confirm without a train")
        state = self.state.confirmed(
            self.counter,
            trains=self._trains,
            shut=self._was_seen_shut(),
            refused=self._refused,
            now=_now(),
        )
        if len(self._trains) == 1:  # else the line may have held back what was measured
            state = replace(state, rtt_ms=self._rtt_ms())
        self._save(state)
        return self.counter

    def few_left(self) -> int | None:
        """Return how many logins the server's list is good for when these are few, once a day."""
        known, now = self.state.listed, _now()
        if known is None or not known.is_low(self.state.counters.confirmed):
            return None
        if known.warned is not None and 0 <= now - known.warned < _DAY_S:
            return None
        self._save(replace(self.state, listed=replace(known, warned=now)))
        return known.left(self.state.counters.confirmed)

    def _was_seen_shut(self) -> bool:
        """Tell whether it was certainly shut before the last train could open it.

        By a refusal after that train; or by a probe just before it that waited long enough for an
        answer to come. A longer time ago proves nothing: the server's table may be gone since then.
        """
        if self._probed_s is None or len(self._trains) > 1:
            return self._refused_last
        return self._refused_last or self._probed_s > (self._rtt_s or 0)

    def _wait_s(self, attempt: int) -> float:
        """Return how long to try after a train: longer on each attempt, and for a distant host.

        That is three of its round trips; one while the confirm is in doubt, when there must be time
        for all of a run's attempts.
        """
        shortest = _WAIT_S[min(attempt, len(_WAIT_S) - 1)]
        rtt_ms = self._rtt_ms()
        if rtt_ms is None:
            return shortest
        round_trips = 1 if self.state.counters.doubt else 3
        return max(shortest, round_trips * rtt_ms / 1000 + _MARGIN_S)

    def _shortest_s(self, attempt: int) -> float:
        """Return how long an attempt takes at the least: its longest train, and the first wait."""
        return self.state.parameters.knocks_max * pacing(attempt) + self._wait_s(0)

    def _rtt_ms(self) -> int | None:
        return self.state.rtt_ms if self._rtt_s is None else round(self._rtt_s * 1000)

    def _seen(self, outcome: Outcome) -> socket.socket | None:
        self._refused_last = outcome.refused
        self._refused = self._refused or outcome.refused
        self._rtt_s = outcome.rtt_s if outcome.rtt_s is not None else self._rtt_s
        self._error = outcome.error or self._error
        return outcome.connection

    def _save(self, state: PairingState) -> None:
        self.store.save(state)
        self.state = state

    def _not_sent(self, error: OSError) -> SshknockError:
        if error.errno == errno.EPERM:
            hint = (
                "a firewall on this machine forbids it: 'sshknock doctor"
                f" {self.store.pairing.name}' tells which way"
            )
        else:
            hint = "nothing was sent" if self.counter is None else "is it still on line?"
        reason = str(error.strerror).lower()
        return SshknockError(f"this machine cannot send to {self.route.host}: {reason}", hint)

    def _not_opened(self, attempts: int, seconds: float) -> NotOpened:
        name, host, port = self.store.pairing.name, self.route.host, self.route.port
        tried = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        message = f"{host} did not open port {port} in {tried} ({seconds:.0f} s)"
        if self._error and not self._refused:
            message += f": {str(self._error.strerror).lower()}"
        hint = (
            f"'sshknock doctor {name}' finds out why; a firewall (a cloud's, a hotel's) may block"
            " high ports or UDP"
        )
        # It is there and opens to no counter; or one run alone was not enough to meet it.
        if self._refused or self.state.counters.top is not None:
            hint += f"; or out of step: sshknock sync {name} --search"
        return NotOpened(message, hint)


def _by_ipv4(route: Route) -> Route:
    """Return the way to a server with a list: over IPv6 knockd hears its first sequence only."""
    way = route.by(socket.AF_INET)
    if way is None:
        raise SshknockError(
            f"{route.host} has no IPv4 address, and a stock knockd follows its list over IPv4 only",
            "nothing was sent; sshknock-server on that machine hears both",
        )
    return way


def _used_up(name: str) -> SshknockError:
    return SshknockError(
        f"all sequences that the server has for {name} are used up, so nothing was sent",
        f"'sshknock push {name}' carries more, by a few that were kept for it; or by another way"
        " there: --via [USER@]HOST",
    )


def prepare(before: PairingState, counter: int, counters: ClientCounters) -> Prepared:
    """Return the open train of a counter, ``counters`` being the place that it is sent from."""
    return Prepared(
        state=replace(
            before, counters=counters, last_train=_now(), closed=False, last_result=FAILED
        ),
        sequence=derive(before.secret, Purpose.OPEN, counter, before.parameters),
        # What an unconfirmed train left behind at the server would swallow this one.
        flush=before.counters.sent > before.counters.confirmed,
    )


def send_close(route: Route, state: PairingState, counter: int, *, attempt: int = 0) -> None:
    """Send the close train of a counter, paced like an attempt; raises NothingSent.

    The server takes it from any address.
    """
    sequence = derive(state.secret, Purpose.CLOSE, counter, state.parameters)
    _send_either_way(route, sequence, attempt)


def _send_either_way(
    route: Route, sequence: Sequence, attempt: int, *, flush: bool = False
) -> Route:
    """Send a train and return the way that it took: the given one, where the kernel lets it out.

    A VPN that must not leak, say, forbids one family of addresses; then it goes by the other.
    Raises NothingSent when neither is let out.
    """
    pacing_s = pacing(attempt)
    try:
        send_train(route, sequence, pacing_s=pacing_s, flush=flush)
    except NothingSent as error:
        other = route.other_way()
        if other is None:
            raise
        try:
            send_train(other, sequence, pacing_s=pacing_s, flush=flush)
        except NothingSent:
            raise error from None
        return other
    return route


def _dice(limit_s: float) -> float:
    """Return a time between zero and the limit, different for every client."""
    # The random module would do, but its import costs every ssh some milliseconds.
    return limit_s * int.from_bytes(os.urandom(2), "big") / 0x10000


def _now() -> int:
    return int(time.time())
