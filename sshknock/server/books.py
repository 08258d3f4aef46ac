"""What happened becomes what is true: the rules by which the books move on.

The kernel tells which tickets were taken and by whom, the process table which sessions still run.
From that the counters move, sessions begin and end, and the set of doors follows. Every function
works inside one transaction of the store; doing it twice changes nothing more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sshknock.protocol.addresses import Address, parse_address
from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Knock, Purpose, format_sequence
from sshknock.server import hiding, latecomers, proc, sessions
from sshknock.server.config import Config, Hook
from sshknock.server.engines.base import Door, parse_sequence
from sshknock.server.firewall.kernel import Used
from sshknock.server.moments import span
from sshknock.server.store import Session, Stage, Store, Ticket, Unattended

_LATE_LOGIN_S = 60  # as long as a hook waits for its turn
_LOGIN_IS_TOLD_S = 10  # even on a busy machine


@dataclass(frozen=True, slots=True)
class Login:
    """A session that began in sshd: the client's end of its connection, and the sshd process.

    ``started`` is the process's start time in clock ticks since boot.
    """

    address: Address
    peer_port: int
    pid: int
    started: int


def take_in(
    store: Store, used: Iterable[Used], *, now: int, not_before: int, login: Login | None = None
) -> None:
    """Enter the tickets that were taken, all after ``not_before`` (clock ticks since boot).

    A ticket that the books do not know was entered before: its mark in the kernel outlived a kill.
    A login comes after the door that let it in, and before the close of a session that was short.
    """
    known = {ticket.id: ticket for ticket in (*store.tickets(), *store.retired_tickets())}
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    taken = [(known[u.ticket], str(u.address)) for u in used if u.ticket in known]
    # In the order of their counters, because a door also closes those below.
    for ticket, address in sorted(taken, key=lambda pair: pair[0].counter):
        name = names[ticket.pairing]
        if ticket.purpose is Purpose.OPEN:
            _end_rotation(store, ticket.pairing, now)
            latecomers.note_opened(store, ticket, known.values(), address, now)
            store.move_on(ticket.pairing, to=ticket.counter + 1, address=address, now=now)
            store.begin_session(
                ticket.pairing, ticket.counter, address, now=now, not_before=not_before
            )
            hiding.note_knock(store, address, not_before, proc.now())
            store.record("open", now, pairing=name, address=address, counter=ticket.counter)
            if ticket.counter + 1 >= COUNTER_LIMIT:
                detail = f"no counter is left: 'sshknock-server client rotate {name}'"
                store.record("used-up", now, pairing=name, detail=detail)
    if login is not None:
        attach(store, login, now)
    for ticket, address in taken:
        if ticket.purpose is Purpose.CLOSE:
            _close(store, ticket, names[ticket.pairing], address, now)


def _close(store: Store, ticket: Ticket, name: str, address: str, now: int) -> None:
    """Enter that a close sequence came, from this address."""
    detail = ""
    for session in store.sessions():
        if (session.pairing, session.counter) == (ticket.pairing, ticket.counter):
            store.end_session(session.id)
            detail = _lasted(session, now)
    store.withdraw(ticket.id)
    counter = ticket.counter
    store.forget_unattended(name, counter)  # where its end was seen before its close
    store.record("close", now, pairing=name, address=address, counter=counter, detail=detail)


def _end_rotation(store: Store, opened: int, now: int) -> None:
    """Let a new secret that has opened its first door take the place of the old one."""
    for pairing in store.pairings():
        if pairing.id == opened and pairing.stage is Stage.PENDING:
            store.take_over(pairing)
            store.record("rotated", now, pairing=pairing.name, detail="the old secret is void")


def end_sessions(store: Store, config: Config, admitted: frozenset[Address], now: int) -> None:
    """Strike out the sessions that are over; ``admitted`` is what the kernel lets in.

    A door behind which nobody logged in was for nothing, and the log says so after a while: the
    hook that tells of a short session's login may come after its end.
    """
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    for session in sessions.that_are_over(store.sessions(), config, admitted):
        store.end_session(session.id)
        name, counter, address = names[session.pairing], session.counter, session.address
        if session.sshd_pid is None and config.hook is not Hook.NONE:
            store.note_unattended(Unattended(name, counter, address, now))
        else:
            detail = _lasted(session, now)
            store.record("end", now, pairing=name, address=address, counter=counter, detail=detail)
    store.forget_replaced()
    for one in store.unattended():
        if now - one.at >= _LOGIN_IS_TOLD_S and store.forget_unattended(one.pairing, one.counter):
            store.record(
                "unused",
                now,
                pairing=one.pairing,
                address=one.address,
                counter=one.counter,
                detail="nobody logged in",
            )


def issue_tickets(store: Store, generation: int, close_doors: int) -> None:
    """Let every pairing have its window of open doors, and every session its close door.

    ``close_doors`` bounds their number: the newest sessions have them, the others end without.
    """
    existing = {(t.pairing, t.purpose, t.counter): t for t in store.tickets()}
    wanted = set()
    pairings = {pairing.id: pairing for pairing in store.pairings()}
    for pairing in pairings.values():
        for counter in range(pairing.next, pairing.next + pairing.window):
            wanted.add((pairing.id, Purpose.OPEN, counter))
    for session in store.sessions()[::-1][:close_doors]:
        wanted.add((session.pairing, Purpose.CLOSE, session.counter))
    for key in existing.keys() - wanted:
        store.retire(existing[key].id)
    for key in sorted(wanted - existing.keys(), key=lambda k: (k[0], k[1].value, k[2])):
        pairing_id, purpose, counter = key
        pairing = pairings[pairing_id]
        opening, closing = (
            format_sequence(derive(pairing.secret, which, counter, pairing.parameters))
            for which in (Purpose.OPEN, Purpose.CLOSE)
        )
        store.issue(
            pairing_id,
            purpose,
            counter,
            sequence=opening if purpose is Purpose.OPEN else closing,
            closing=closing,
            generation=generation,
        )


def knocks(store: Store) -> set[Knock]:
    """Return every knock that an honest client who is in step may send.

    A close train may come before its door: a short session is over before knockd knows of it.
    """
    texts = {text for ticket in store.tickets() for text in (ticket.sequence, ticket.closing)}
    return {knock for text in texts for knock in parse_sequence(text)}


def doors(store: Store) -> tuple[Door, ...]:
    """Return the doors that the tickets stand for, in the order of the tickets."""
    tickets = store.tickets()
    opens: dict[int | None, list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        if ticket.purpose is Purpose.OPEN:
            opens[ticket.pairing].append(ticket)
    former = _former(store)
    addresses = {(s.pairing, s.counter): s.address for s in store.sessions()}
    doors = []
    for ticket in tickets:
        sequence = parse_sequence(ticket.sequence)
        if ticket.purpose is Purpose.OPEN:
            lower = [t.id for t in opens[ticket.pairing] if t.counter < ticket.counter]
            lower += [t.id for t in opens[former[ticket.pairing]]]
            doors.append(Door(ticket.id, ticket.purpose, sequence, lower=tuple(lower)))
        else:
            admitted = parse_address(addresses[ticket.pairing, ticket.counter])
            doors.append(Door(ticket.id, ticket.purpose, sequence, admitted=admitted))
    return tuple(doors)


def _former(store: Store) -> dict[int, int | None]:
    """Return for every pairing the one whose doors close with its first door, None for none."""
    pairings = store.pairings()
    current = {p.name.lower(): p.id for p in pairings if p.stage is Stage.CURRENT}
    return {
        p.id: current.get(p.name.lower()) if p.stage is Stage.PENDING else None for p in pairings
    }


def attach(store: Store, login: Login, now: int) -> None:
    """Note that an sshd process serves the session that was opened from an address.

    Where several sessions of one address wait (two clients behind one NAT), the oldest is meant:
    they are alike to us. A connection that no door let in, from a network that is always admitted,
    say, is not entered; nor is an sshd that began before the door opened, and whose own session the
    client has closed. A session that was over before we heard of its login is in the log alone.
    """
    running = store.sessions()
    if any((s.sshd_pid, s.sshd_started) == (login.pid, login.started) for s in running):
        return  # told twice: ForceCommand runs once a channel
    address = str(login.address)
    names = {pairing.id: pairing.name for pairing in store.pairings()}
    session = _waiting_session(running, address, login.started)
    if session is not None:
        doors = [(names[session.pairing], session.counter)]
        store.attach(session.id, peer_port=login.peer_port, pid=login.pid, started=login.started)
    else:
        not_over = {(names[s.pairing], s.counter) for s in running}
        recent = store.doors_without_login(address, now - _LATE_LOGIN_S)
        doors = [door for door in recent if door not in not_over]
    for name, counter in doors[:1]:
        detail = f"from port {login.peer_port}"
        store.record("login", now, pairing=name, address=address, counter=counter, detail=detail)
        if store.forget_unattended(name, counter):
            store.record("end", now, pairing=name, address=address, counter=counter)


def _waiting_session(running: list[Session], address: str, started: int) -> Session | None:
    waiting = [
        s
        for s in running
        if s.address == address and s.sshd_pid is None and s.not_before <= started
    ]
    return waiting[0] if waiting else None


def _lasted(session: Session, now: int) -> str:
    return f"after {span(now - session.opened_at)}"
