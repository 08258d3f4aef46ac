"""Meeting the server's counter again: by asking it over SSH, or by knocking."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sshknock.client.config import Pairing
from sshknock.client.connect import NoWatch
from sshknock.client.manual import read_identification
from sshknock.client.opening import Opening
from sshknock.client.route import resolve
from sshknock.client.state import PairingState, Store, locked_by_hand, refuse_list
from sshknock.errors import BadInput, NoSuchPairing, NotOpened, SshknockError
from sshknock.protocol.counters import COUNTER_LIMIT, SEARCH_COUNTERS
from sshknock.protocol.names import parse_name
from sshknock.records import record, replace
from sshknock.system.command_line import reading_arguments

if TYPE_CHECKING:
    from sshknock.client.remote.administrator import Administrator, Ask
    from sshknock.client.remote.strangers import Agrees

_PATIENT = 4  # the number of a run's attempt that waits longest


@record
class Met:
    """The counter at which the two sides met again.

    ``ahead`` tells that the server had accepted counters that this machine never sent, ``behind``
    that it was at or below the last confirm, and ``unused`` is the lowest counter above all that
    were ever sent.
    """

    counter: int
    unused: int
    ahead: bool = False
    behind: bool = False

    @classmethod
    def by_knocking(cls, counter: int, before: PairingState, sent: int) -> Met:
        """Return how the sides met when a counter opened; ``sent`` is the highest that went out."""
        known, window = before.counters, before.parameters.window
        if before.listed is not None:  # the warnings are about a server of ours
            return cls(counter, sent + 1)
        return cls(
            counter,
            sent + 1,
            ahead=counter - window > known.sent,
            behind=counter <= known.confirmed,
        )

    def warning(self, name: str) -> SshknockError | None:
        """Return what the user should know about how they had come apart."""
        if self.ahead:
            return SshknockError(
                "warning: the server's counter was higher than this machine ever sent",
                "that is right after 'sshknock-server sync'; otherwise the token is in use"
                " elsewhere, or this machine is a restored backup: 'sshknock-server client rotate'",
            )
        if self.behind:
            return SshknockError(
                f"warning: the server still accepted counter {self.counter}, which is not above the"
                " last confirmed one",
                "if it was restored from a backup, its past can be replayed; burn it: 'sshknock"
                f" sync {name}', or there 'sshknock-server sync CLIENT --at-least {self.unused}'",
            )
        return None


def ask_server(
    pairing: Pairing,
    *,
    via: str | None,
    called: str | None,
    ask: Ask,
    agrees: Agrees | None = None,
) -> Met:
    """Let the server move on to a counter that was never sent, and follow it there.

    ``via`` is [USER@]HOST. Without it the way is the pairing's own port: plainly where it answers,
    else by a knock, which still opens to a pair that is only a little out of step; one that shows
    that they are in step is enough, and nothing is asked. ``called`` is the pairing's name there,
    without it the server is asked for it; ``agrees`` hears of a host key on the ``via`` that nobody
    knows. The server moves first: should we be killed before our state is saved, it stands just
    above all that we sent, where logins find it. Raises what ``remote`` and ``knocked`` raise; then
    nothing has moved but for what was sent.
    """
    from sshknock.client.remote.administrator import Administrator  # noqa: PLC0415  slow to load
    from sshknock.client.remote.way import connected  # noqa: PLC0415

    if called is not None:
        with reading_arguments():
            parse_name(called)
    store = Store(pairing)
    # What is wrong here should be known before anybody is asked for a password.
    refuse_list(
        pairing.name,
        store.load(),
        f"'sshknock push {pairing.name} --via [USER@]HOST' reads how far knockd is in it;"
        f" 'sshknock sync {pairing.name} --search' knocks",
    )
    try:
        with connected(
            pairing,
            via,
            look_first=True,
            opened=lambda: _see_whether_they_met(store),
            agrees=agrees,
        ) as connection:
            return _move(Administrator(connection, ask), store, called)
    except _InStep as shown:
        return shown.met
    except NotOpened as error:
        raise _not_opened(pairing) from error


class _InStep(Exception):
    """The knock has shown that nothing is left to be asked."""

    def __init__(self, met: Met) -> None:
        self.met = met


def _see_whether_they_met(store: Store) -> None:
    counters = store.load().counters
    if counters.is_exact:
        raise _InStep(Met(counters.confirmed, counters.sent + 1))


def _move(server: Administrator, store: Store, called: str | None) -> Met:
    """Let the server move, and then our state."""
    pairing = store.pairing
    if called is None:
        name, _ = find_client(server, pairing, store.load().pairing_id)
    else:
        name = called
        _ask_for(server, name)
    with locked_by_hand(pairing.name):
        state = store.load()
        fresh = state.counters.sent + 1
        answer = server.call("sync", name, "--at-least", str(fresh), "--json")
        following = _next(answer, fresh)
        store.save(replace(state, counters=state.counters.synced(following - 1)))
    return Met(following - 1, following, ahead=following > fresh)


def _not_opened(pairing: Pairing) -> NotOpened:
    return NotOpened(
        f"{pairing.host} answers on port {pairing.port} neither without a knock nor with one",
        f"look for its counter with 'sshknock sync {pairing.name} --search', let the administrator"
        " run 'sshknock-server admit ADDRESS' for yours, or take another way with --via HOST",
    )


def _next(answer: dict[str, Any], least: int) -> int:
    """Return the server's counter; the other side is believed in nothing that cannot be."""
    following = answer.get("next")
    if type(following) is not int or not least <= following < COUNTER_LIMIT:
        raise BadInput("the server answered with a counter that cannot be", "nothing was changed")
    return following


def _ask_for(server: Administrator, name: str) -> None:
    """See that the server knows a name, before the lock is held: sudo may want a password.

    Moves nothing. With ``--as`` there may be a right to no other command.
    """
    try:
        server.call("sync", name, "--at-least", "0", "--json")
    except NoSuchPairing as error:
        raise NoSuchPairing(
            error.message, "leave --as out: the server is then asked for the name"
        ) from error


def find_client(
    server: Administrator, pairing: Pairing, pairing_id: str
) -> tuple[str, list[object]]:
    """Find what the server calls the pairing, by the id that the token gave to both.

    Our own name for it might be that of somebody else's there. Returns its name there, and its ids:
    the one in use, and that of a new secret which was not used yet.
    """
    clients = server.call("client", "list", "--json").get("clients")
    for client in clients if isinstance(clients, list) else ():
        name, ids = _name_and_ids(client)
        if pairing_id in ids:
            return parse_name(name), ids
    raise NoSuchPairing(
        f"the server has no pairing that is {pairing.name!r} here",
        "the pairing was removed or rotated on the server: ask there, or 'sshknock forget"
        f" {pairing.name}' and enroll again",
    )


def _name_and_ids(client: object) -> tuple[str, list[object]]:
    """Return what the server says of one client; raise BadInput for what cannot be."""
    if isinstance(client, dict):
        name, ids = client.get("name"), client.get("ids")
        if isinstance(name, str) and isinstance(ids, list):
            return name, ids
    raise BadInput("the server's list of clients cannot be read", "nothing was changed")


def search(pairing: Pairing, tell: Callable[[int], None]) -> Met:
    """Look for the server's counter over a wide range; ``tell`` hears of each attempt, from 1.

    Raises SshknockError, before anything is sent, for a port that answers without a knock, where
    every counter would look like the right one; and NotOpened when it is not found.
    """
    store = Store(pairing)
    route = resolve(pairing.host, pairing.port)
    with locked_by_hand(pairing.name):
        before = store.load()
        opening = Opening(store, before, route, NoWatch())
        _see_that_it_is_shut(opening)
        attempt = 0
        for attempt, connection in enumerate(opening.search(), start=1):
            tell(attempt)
            if _is_confirmed(opening, connection) and (counter := opening.counter) is not None:
                if not _is_verified(opening):
                    _take_back(opening, before)
                    continue
                return Met.by_knocking(counter, before, opening.state.counters.sent)
    if before.listed is not None:
        raise NotOpened(
            f"{route.host} opened to none of its list's sequences ({attempt} attempts)",
            f"'sshknock push {pairing.name} --via [USER@]HOST' reads there which one is next",
        )
    raise NotOpened(
        f"{route.host} opened to none of {SEARCH_COUNTERS} counters",
        f"'sshknock sync {pairing.name}' asks over SSH, where that is possible; is the secret still"
        " the right one? on the server: sshknock-server doctor",
    )


def _see_that_it_is_shut(opening: Opening) -> None:
    connection = opening.probe()
    if connection is None:
        return
    connection.close()
    if opening.state.listed is None:
        instead = "'sshknock sync' without --search asks the server"
    else:
        instead = f"'sshknock push {opening.store.pairing.name}' reads the list there"
    raise SshknockError(
        f"port {opening.route.port} of {opening.route.host} answers without a knock: it is not"
        " hidden, or this address is let in",
        f"nothing was sent; {instead}",
    )


def _is_confirmed(opening: Opening, connection: socket.socket | None) -> bool:
    """Tell whether an identification came through the last train's door; then it is recorded."""
    if connection is None:
        return False
    with connection:
        if read_identification(connection) is None:
            return False
    opening.confirm()
    return True


def _is_verified(opening: Opening) -> bool:
    """Tell whether an ordinary attempt gets in as well, after a find.

    A server that is slower than our patience opens for a train when the next one is on its way
    already, and that one's counter would be taken for the server's. Where an admission outlasts its
    connection nothing can be learnt: the second attempt would come in by the first one's door.
    """
    if opening.state.admission_s:
        return True
    again = Opening(opening.store, opening.state, opening.route, NoWatch())
    try:
        return _is_confirmed(again, again.attempt_all(1, first=_PATIENT))
    except NotOpened:
        return False
    finally:
        opening.state = again.state


def _take_back(opening: Opening, before: PairingState) -> None:
    """Forget a find that was none, but not what was sent for it."""
    counters = before.counters.sending(opening.state.counters.sent)
    opening.state = replace(opening.state, counters=counters, last_open=before.last_open)
    opening.store.save(opening.state)
    opening.doubt()
