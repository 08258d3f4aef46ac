"""``sshknock push``: the sequences of a secret that stays here, for a server with a stock knockd.

The pairing comes first, the file after it, and what the file holds is written down last. Whatever
is broken off, the next push reads the file, finds how far it goes, and adds to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sshknock.client import enroll, ssh_config
from sshknock.client.config import Pairing
from sshknock.client.push.carried import Carried, read_carried, render_counters
from sshknock.client.push.conf import DEFAULT_PATH, NFT_FILE
from sshknock.client.push.places import LocalFile, Place
from sshknock.client.state import PairingState, Store, locked_by_hand
from sshknock.errors import BadInput, SshknockError, UsageError
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose, Sequence
from sshknock.protocol.list_counters import SPARE, UNUSABLE, SequenceList, found_in_list
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.token import Token
from sshknock.records import replace

if TYPE_CHECKING:
    from sshknock.client.push.server_file import ServerFile
    from sshknock.client.remote.administrator import Ask
    from sshknock.client.remote.connection import Connection
    from sshknock.client.remote.strangers import Agrees


@dataclass(frozen=True, slots=True)
class Way:
    """How the file gets there: over SSH by ``via``, or into ``folder`` on this machine.

    Without either, it goes over SSH through the pairing's own door. ``path`` is the file's on the
    server, None for the one that it has already. With ``anew`` it is replaced, whatever it is.
    """

    via: str | None
    folder: Path | None
    path: str | None
    scp: bool
    anew: bool


@dataclass(frozen=True, slots=True)
class NewServer:
    """What a first push has to know: where the server is, if not where ``via`` leads; how to knock.

    ``open_s`` is how long knockd leaves the port open after a sequence.
    """

    host: str | None
    port: int | None
    keyring: str
    parameters: Parameters
    open_s: int


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was done: ``count`` sequences went to ``where``, and ``left`` logins are good now.

    ``path`` is where the server has the file, ``where`` may be a stick.
    ``created`` tells that it is a new file, and ``stopped`` that knockd had used up the old one.
    ``in_use``, that knockd.conf names it, and ``running``, that there is a knockd, are None where
    that could not be seen.
    """

    pairing: Pairing
    where: str
    path: str
    count: int
    left: int
    created: bool
    stopped: bool
    in_use: bool | None
    running: bool | None

    def left_to_do(self, *, first: bool) -> tuple[str, ...]:
        """Return the steps until ``ssh`` gets in by a knock, in order; none when it does already.

        Where knockd.conf cannot be seen, the ``first`` push takes it for one without our sections.
        """
        name = self.pairing.name
        steps = []
        restart = "systemctl restart knockd"
        if self.created and self.in_use is None:
            steps.append(f"on the server: {self.where} belongs at {self.path}, if it is not there")
        if self.in_use is False or (first and self.in_use is None):
            steps.append(
                f"here: 'sshknock push {name} --conf nft' prints what to paste on the server into"
                " the two files that it names"
            )
            steps.append(f"on the server: 'nft -f {NFT_FILE} && {restart}'")
        elif self.created or self.stopped or self.running is False:
            steps.append(f"on the server: '{restart}'")
        if (first or steps) and name not in ssh_config.written():
            steps.append(f"here: 'sshknock ssh-config {name} --write'")
        if first or steps:
            steps.append(f"here, the session there still open: 'ssh {name}'")
        return tuple(steps)


def push(
    pairing: Pairing, way: Way, *, count: int, ask: Ask, agrees: Agrees | None = None
) -> Pushed:
    """Carry ``count`` more sequences to the server of a pairing that has a list.

    ``ask`` is for passwords, ``agrees`` for host keys that nobody knows.
    Raises what ``remote`` raises, and BadInput for a file that is not the pairing's.
    """
    state = Store(pairing).load()
    path = way.path or _list_of(pairing, state).path or DEFAULT_PATH
    if way.folder is not None:
        return _carry(pairing, LocalFile(way.folder), path, count=count, anew=way.anew)
    from sshknock.client.remote.way import connected  # noqa: PLC0415  slow to load

    # Its own door opens by what was kept for this.
    with connected(pairing, way.via, spare=True, agrees=agrees) as connection:
        file = _server_file(connection, path, ask, scp=way.scp)
        return _carry(pairing, file, path, count=count, anew=way.anew)


def push_first(
    name: str,
    new: NewServer,
    way: Way,
    *,
    count: int,
    ask: Ask,
    agrees: Agrees | None = None,
) -> Pushed:
    """Make a pairing and carry its first list; nothing is made where the file is somebody's."""
    new.parameters.check()
    path = way.path or DEFAULT_PATH
    with _place(way, path, ask, agrees) as (place, host_there, port):
        if not way.anew and place.read() is not None:
            raise BadInput(
                f"there is a file {place} already",
                "--path names another one; --anew puts a new list in its place",
            )
        host = new.host or host_there
        if host is None:
            raise UsageError("the server's address is not known", "say --host HOST")
        token = Token(
            name=name,
            pairing_id=secrets.token_hex(8),
            hosts=(host,),
            port=new.port or port,
            secret=Secret(secrets.token_bytes(32)),
            parameters=new.parameters,
            admission_s=new.open_s,
        )
        pairing = enroll.enroll(
            name, token, keyring=new.keyring, host=host, listed=SequenceList(0, 0, path)
        )
        try:
            return _carry(pairing, place, path, count=count, anew=True)
        except BaseException:  # a ^C too: no pairing without a list
            with suppress(SshknockError):
                enroll.forget(name)
            raise


@contextmanager
def _place(
    way: Way, path: str, ask: Ask, agrees: Agrees | None
) -> Iterator[tuple[Place, str | None, int]]:
    """Yield where a first list goes, and the host and port that the way there knows."""
    if way.folder is not None:
        yield LocalFile(way.folder), None, 22
        return
    if way.via is None:
        raise AssertionError("a first push without a way")
    from sshknock.client.remote.connection import parse_via  # noqa: PLC0415  slow to load
    from sshknock.client.remote.strangers import reached  # noqa: PLC0415

    with reached(parse_via(way.via), agrees) as connection:
        settings = connection.settings
        file = _server_file(connection, path, ask, scp=way.scp)
        yield file, settings.address, settings.port


def _server_file(connection: Connection, path: str, ask: Ask, *, scp: bool) -> ServerFile:
    from sshknock.client.push.server_file import ServerFile  # noqa: PLC0415  slow to load

    return ServerFile(connection, path, ask, scp=scp)


def _carry(pairing: Pairing, place: Place, path: str, *, count: int, anew: bool) -> Pushed:
    """Add to the file, under the pairing's lock, and write down what it holds then."""
    store = Store(pairing)
    with locked_by_hand(pairing.name):
        state = store.load()
        known = _list_of(pairing, state)
        sequence_of = _sequences(state)
        data = place.read()
        held = None if data is None or anew else _held(place, data, sequence_of, known.end)
        if data is None and known.end and not anew:
            raise BadInput(
                f"there is no file {place}, where the list was",
                "--path names another one; --anew writes a new list, and then knockd has to be"
                " restarted",
            )
        if held is None:
            following = first = state.counters.sent + 1
            end = first + count + SPARE + UNUSABLE
            place.write(render_counters(sequence_of, first, end).encode())
        else:
            following, first, end = held.following, held.end, held.end + count
            more = held.missing + render_counters(sequence_of, first, end)
            place.append(more.encode(), len(data or b""))
        state = replace(
            state,
            listed=SequenceList(following, end, path),
            counters=found_in_list(state.counters, following),
        )
        store.save(state)
    return Pushed(
        pairing,
        str(place),
        path,
        end - first,
        _list_of(pairing, state).left(state.counters.confirmed),
        created=held is None,
        stopped=held is not None and following == held.end,
        in_use=place.is_in_use(),
        running=place.has_knockd(),
    )


def _held(
    place: Place, data: bytes, sequence_of: Callable[[int], Sequence], known_end: int
) -> Carried | None:
    try:
        return read_carried(data, sequence_of, known_end)
    except BadInput as error:
        raise BadInput(
            f"{place} cannot be added to: {error.message}",
            "nothing was changed; --path names another file; --anew puts a new list in its place",
        ) from error


def _list_of(pairing: Pairing, state: PairingState) -> SequenceList:
    if state.listed is None:
        raise UsageError(
            f"the server of {pairing.name} derives its sequences itself and needs no list",
            "push is for servers with a stock knockd: take a name of its own for one",
        )
    return state.listed


def _sequences(state: PairingState) -> Callable[[int], Sequence]:
    return lambda counter: derive(state.secret, Purpose.OPEN, counter, state.parameters)
