"""``enroll_via``: the steps of one enrolment, each of which may be the last.

A note (``notes``) is on the disk before the server is asked for a client, and says by which id that
client can be told. What fails before the pairing exists here is taken back there; who is killed
leaves that to the next run. From the moment that the settings name the pairing it is whole, and the
next run only does what is left: the Host block and the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sshknock.client import config, enroll, ssh_config
from sshknock.client.config import Pairing
from sshknock.client.enrolment import installing, notes, proof
from sshknock.client.enrolment.notes import Note
from sshknock.client.enrolment.order import Asker, Enrolled, Order, Tell
from sshknock.client.enrolment.place import Place, default_name, find_place
from sshknock.client.remote.administrator import Administrator
from sshknock.client.remote.connection import Connection, Target, parse_via
from sshknock.client.remote.errors import (
    NoAnswer,
    NotInstalled,
    NotReached,
    NotSetUp,
    RemoteFailed,
)
from sshknock.client.remote.strangers import reached
from sshknock.errors import BadInput, SshknockError, UsageError
from sshknock.protocol.names import parse_host, parse_name
from sshknock.protocol.token import Token
from sshknock.system.command_line import reading_arguments


def enroll_via(order: Order, asker: Asker, tell: Tell) -> Enrolled:
    """Pair with a server over SSH, and prove it by one knocked login.

    Raises SshknockError. There is no pairing then, here or there, or a whole one whose proof failed
    (NotOpened). An enrolment that was cut off is taken up where it was.
    """
    target = _check(order)
    known = config.load().pairings.get(order.name)
    note = notes.find(order.name)
    if known is not None:
        if not _is_left(known, note):
            _refuse_enrolled(known, order, target)
        if order.install:
            with _hidden_perhaps(), reached(target, asker.agrees) as connection:
                server = Administrator(connection, asker.password)
                installing.install(connection, server, order, asker, tell, of=known)
        return _end(order, target, known, tell)
    enroll.check_ready(order.name, order.keyring)
    with _hidden_perhaps(), reached(target, asker.agrees) as connection:
        tell(f"logged in to {target}")
        server = Administrator(connection, asker.password)
        place = find_place(connection, order, target)
        if order.install:
            installing.install(connection, server, order, asker, tell)
        clients = _clients(server)
        warnings = () if note is None else _clear(server, order, note, clients)
        called = order.called or default_name()
        _refuse_taken(called, clients)
        tell(f"adding this machine as {called}")
        pairing = _pair(connection, server, order, place, called, tell)
    return _end(order, target, pairing, tell, warnings)


def _is_left(pairing: Pairing, note: Note | None) -> bool:
    """Tell whether an enrolment was cut off when all but its end was done."""
    return note is not None and note.pairing_id == pairing.pairing_id


def _refuse_enrolled(pairing: Pairing, order: Order, target: Target) -> None:
    """Refuse a name that is taken, but for an upgrade through its own door.

    Before anything is reached: by the way of the first time a hidden port looks like a lock-out.
    """
    name = pairing.name
    if not (order.install and target.alias == name):
        raise UsageError(
            f"{name} is enrolled already: ssh {name}",
            f"to upgrade the server: 'sshknock enroll {name} --via {name} --install'; for a new"
            f" secret: 'sshknock rotate {name}'; for another server: another NAME",
        )


def _check(order: Order) -> Target:
    with reading_arguments():
        parse_name(order.name)
        if order.called is not None:
            parse_name(order.called)
        if order.host is not None:
            parse_host(order.host)
    return parse_via(order.via)


@contextmanager
def _hidden_perhaps() -> Iterator[None]:
    """Say what else it may be that a way leads nowhere."""
    try:
        yield
    except NoAnswer as error:
        raise NoAnswer(
            error.message,
            f"{error.hint} Its port may be hidden already: then --via another pairing with it, or"
            " a way that gets in",
        ) from error


def _clients(server: Administrator) -> list[dict[str, Any]]:
    """Return what the server knows of its clients; say what is missing where it cannot answer."""
    try:
        answer = server.call("client", "list", "--json").get("clients")
    except NotInstalled as error:
        raise NotInstalled(
            error.message, "is it the right host? --install brings sshknock there"
        ) from error
    except NotSetUp as error:
        raise NotSetUp(
            error.message,
            "--install sets it up, on trial first; or there: sshknock-server init --trial 10m",
        ) from error
    clients = [client for client in answer or () if isinstance(client, dict)]
    if not isinstance(answer, list) or len(clients) != len(answer):
        raise BadInput("the server's list of clients cannot be read", "nothing was changed")
    return clients


def _refuse_taken(called: str, clients: list[dict[str, Any]]) -> None:
    names = {str(client.get("name")).lower() for client in clients}
    if called.lower() in names:
        raise UsageError(
            f"the server has a client {called!r} already",
            "choose another name there with --as NAME; is it this machine's, of an earlier"
            f" installation? there: sshknock-server client remove {called}",
        )


def _pair(
    connection: Connection,
    server: Administrator,
    order: Order,
    place: Place,
    called: str,
    tell: Tell,
) -> Pairing:
    """Make the client there and the pairing here, or neither."""
    note = notes.begin(order.name, order.via, called)
    words = ("client", "add", called, "--id", note.pairing_id, "--host", place.host, "--json")
    try:
        token = _token(server.call(*words), note.pairing_id)
        for_ssh = place.for_ssh(token.port)
        # Where we go is our own word: a server could name another one's address.
        return enroll.enroll(
            order.name, token, keyring=order.keyring, host=place.host, for_ssh=for_ssh
        )
    except BaseException as error:  # a ^C too
        if not isinstance(error, NotReached):  # else the next run does it
            with suppress(SshknockError):
                connection.finish()
                is_over = isinstance(error, SshknockError)
                _take_back(server, order.name, note, tell, is_over=is_over)
        raise


def _token(answer: dict[str, Any], pairing_id: str) -> Token:
    token = Token.decode(str(answer.get("token")))
    if token.pairing_id != pairing_id:
        raise RemoteFailed("the server made another token than it was asked for")
    return token


def _take_back(server: Administrator, name: str, note: Note, tell: Tell, *, is_over: bool) -> None:
    """Remove what was made there, unless the pairing exists here by now.

    Without ``is_over`` the command that makes it may still run there. Then a client that is not
    there proves nothing, and the note stays for the next run.
    """
    pairing = config.load().pairings.get(name)
    if pairing is not None and pairing.pairing_id == note.pairing_id:
        return
    tell("taking back what was made there")
    if _remove(server, note, _clients(server)) or is_over:
        notes.end(name)


def _clear(
    server: Administrator, order: Order, note: Note, clients: list[dict[str, Any]]
) -> tuple[SshknockError, ...]:
    """Remove what a run that was cut off has left, here and there; return what is to be told."""
    enroll.forget_left_over(order.name, note.pairing_id)
    found = _remove(server, note, clients)
    if not found and note.via != order.via:
        return (
            SshknockError(
                f"warning: an earlier attempt by {note.via} was cut off",
                f"if there is a client there that was never used: 'sshknock-server client remove"
                f" {note.called}'",
            ),
        )
    return ()


def _remove(server: Administrator, note: Note, clients: list[dict[str, Any]]) -> bool:
    """Remove the client of a token that nobody has; tell whether there is one, used or not."""
    for client in clients:
        ids, name = client.get("ids"), client.get("name")
        if isinstance(ids, list) and note.pairing_id in ids and isinstance(name, str):
            if client.get("next") == 0 and client.get("last_open") is None:
                server.call("client", "remove", parse_name(name), "--json")
                clients.remove(client)
            return True
    return False


def _end(
    order: Order,
    target: Target,
    pairing: Pairing,
    tell: Tell,
    warnings: tuple[SshknockError, ...] = (),
) -> Enrolled:
    """Write the Host block, and knock once."""
    block: Path | None = None
    if order.block:
        tell("writing the Host block")
        with config.held() as known:
            block = ssh_config.write([pairing.name], known)
    tell(f"knocking, and logging in to {pairing.host} port {pairing.port}")
    warning = proof.prove(pairing, pairing.name if order.block else target.alias)
    notes.end(order.name)
    told = warnings if warning is None else (*warnings, warning)
    return Enrolled(pairing, block, told)
