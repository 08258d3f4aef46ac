"""The server's one operation: make the books, the kernel and the engine agree.

Every event calls it: a knock, a login and its end, the timer, the boot, a command. It is
idempotent, safe against two of itself and safe to kill at any point:

1. read what the kernel knows: which tickets were used, and the table's generation;
2. move the books on and commit, with the generation that the table is to have;
3. change the table by differences, in one transaction that also sets the generation;
4. let the engine listen for the doors that the tickets now stand for.

Killed between 2 and 3, the table has the old generation: the tickets that were planned were never
issued, and used ones are still marked there; so before 3 the books forget no ticket. Killed after
3, it has the planned one. A table with neither was lost (a reboot, a flushed ruleset): the counters
stay, all tickets are issued anew with fresh ids, and the books note since when the port was
exposed. A ticket that is missing is no evidence of use. The mark of a used ticket is, in any table.
Killed during 3, it leaves an nft that holds the lock until the kernel has answered.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sshknock.protocol.addresses import Address, parse_address
from sshknock.server import (
    books,
    contents,
    exposures,
    guests,
    hiding,
    latecomers,
    paths,
    proc,
    strangers,
)
from sshknock.server.access import opened
from sshknock.server.config import Config, Refuse
from sshknock.server.engines.base import Door, DoorEngine, Progress
from sshknock.server.engines.knockd.engine import KnockdEngine
from sshknock.server.firewall import kernel, refusal, table
from sshknock.server.firewall.kernel import TableState
from sshknock.server.store import Store

_RACES_AT_MOST = 20
_GENERATION_BITS = 31

_GENERATION = "generation"
_PLANNED = "planned generation"
_MAKE_ANEW = "make the table anew"
_REFUSE = "refuse"
_FORMAT = "table format"
_LOOKED_AT = "table looked at, in ticks since boot"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reconcile left to do: ``due_s`` is when it wants to be called again, None for never."""

    due_s: float | None


def reconcile(reason: str) -> Outcome:
    """Make everything agree; return when the engine listens for all doors.

    ``reason`` goes to the log where something was amiss. Raises SshknockError; what was done until
    then stays done, and the next call does the rest.
    """
    while True:
        with opened() as (config, store):
            progress = _settle(store, config, reason)
        if not progress.pending or progress.later_s is None:
            return Outcome(progress.later_s)
        # Many changes at once become one replacement of the daemon. Waiting holds no lock.
        time.sleep(progress.later_s)


def enter_session(
    peer_address: str, peer_port: int, local_port: int, pid: int, started: int
) -> None:
    """Note that an sshd process (``started``: ticks since boot) serves the session of a peer.

    The books first hear of the knock that opened its door: the knock's own hook may still be on its
    way. The engine is left to the next reconcile. A login that came through the door of a port on
    trial confirms the trial.
    """
    address = parse_address(peer_address)
    with opened() as (config, store):
        agree(store, config, "session", login=books.Login(address, peer_port, pid, started))
        with store.transaction():
            proves = (
                local_port in config.ports
                and hiding.has_knocked(store, str(address), started, config.timeout_s)
                and not guests.needs_no_knock(store, config, address)
            )
            if proves:
                hiding.confirm(store, int(time.time()), address=str(address))
        if proves:
            agree(store, config, "session")


def _settle(store: Store, config: Config, reason: str) -> Progress:
    listener = engine(store, config)
    doors = agree(store, config, reason, listener)
    had_ended = listener.has_ended()
    progress = listener.update(doors)
    if had_ended:
        detail = f"{config.engine.value} had ended; noticed by {exposures.who_noticed(reason)}"
        with store.transaction():
            store.record("restarted", int(time.time()), detail=detail)
    return progress


def engine(store: Store, config: Config) -> KnockdEngine:
    """Return the engine of the settings."""
    return KnockdEngine(config, contents.decoy_seed(store))


def agree(
    store: Store,
    config: Config,
    reason: str,
    listener: DoorEngine | None = None,
    *,
    login: books.Login | None = None,
) -> tuple[Door, ...]:
    """Make the books and the kernel agree; return the doors. The caller holds the lock.

    ``listener`` is the engine, where the caller has made it: that asks for addresses. ``login`` is
    entered after the knock that may have opened its door, and before its session is over.
    """
    capacity = (listener or engine(store, config)).capacity
    paths.RUN.mkdir(mode=0o755, exist_ok=True)
    for races_left in reversed(range(_RACES_AT_MOST)):
        looked_at = proc.now()
        state = kernel.read()
        now = int(time.time())
        with store.transaction():
            statements = _plan(store, config, state, now, reason, capacity, login)
        login = None
        try:
            if statements:
                kernel.apply(statements, lock=store.lock)
        except kernel.Refused:
            # A door was used between reading and writing: look again.
            if not races_left:
                raise
            continue
        with store.transaction():
            _note_generation(store, now, looked_at)
        return books.doors(store)
    raise AssertionError("the last race returns or raises")


def _plan(
    store: Store,
    config: Config,
    state: TableState | None,
    now: int,
    reason: str,
    capacity: int,
    login: books.Login | None,
) -> str | None:
    """Move the books on; return the statements that the table needs, None when it needs none.

    ``capacity`` is how many doors the engine can listen for.
    """
    generation, planned = _generations(store)
    ours = state is not None and state.generation in {generation, planned} - {None}
    if state is not None and ours:
        if planned is not None and state.generation == generation:
            store.withdraw_generation(planned)
        store.set_meta(_GENERATION, str(state.generation))
        store.set_meta(_PLANNED, None)
    _take_in(store, state, login, now)
    if state is not None and ours:
        _reissue_missing(store, state)
    admitted = frozenset(state.admitted) if state is not None and ours else frozenset[Address]()
    books.end_sessions(store, config, admitted, now)
    asked_for = store.meta(_MAKE_ANEW) is not None
    lost = state is None or not ours or _is_tampered(store, config, state)
    anew = lost or asked_for or _is_outdated(store)
    cause = _heed(store, config, None if lost else state, now)
    if anew:
        hiding.forget_applied(store)
    hiding.end_overdue(store, now)
    if lost:
        guests.end_overdue(store, now)
        cause = exposures.FLUSHED if state is None else exposures.CHANGED
    if cause is not None and not asked_for and not hiding.of(store).is_visible:
        exposures.begin(store, now, cause=cause, reason=reason)
    if state is None or anew:
        return _rebuild(store, config, state, now, capacity, ours=ours)
    new_generation = _new_generation()
    books.issue_tickets(store, new_generation, _room_for_closing(store, capacity))
    statements = contents.differences(store, config, state, now)
    if not statements:
        return None
    store.set_meta(_PLANNED, str(new_generation))
    # First: of a text that was cut off by a kill, too, the kernel takes the generation.
    generations = table.delete("generation", [str(state.generation)])
    generations += table.add("generation", [str(new_generation)])
    return "\n".join(generations + statements) + "\n"


def _take_in(store: Store, state: TableState | None, login: books.Login | None, now: int) -> None:
    """Enter what the kernel has noted.

    Even in a table that is not ours: a ticket's id is never used again, so a mark can only move a
    counter up.
    """
    used, late = ((), ()) if state is None else (state.used, state.late)
    not_before = int(store.meta(_LOOKED_AT) or 0)
    books.take_in(store, used, now=now, not_before=not_before, login=login)
    latecomers.log(store, late, now)


def _heed(store: Store, config: Config, state: TableState | None, now: int) -> str | None:
    """Take the word of an intact table; return why a port is visible that should not be."""
    if state is None:
        return None
    guests.heed(store, state.guests)
    hidden = hiding.heed(store, config.ports, state.hidden, now)
    return None if hidden else exposures.TAKEN_OUT


def _rebuild(
    store: Store,
    config: Config,
    state: TableState | None,
    now: int,
    capacity: int,
    *,
    ours: bool,
) -> str:
    """Plan a whole new table.

    The tickets of an old one that is ours move into it: one that is used before the kernel makes
    the new table is in the books. Those of a table that was lost are void.
    """
    if not ours:
        store.withdraw_all()
    generation = _new_generation()
    books.issue_tickets(store, generation, _room_for_closing(store, capacity))
    store.set_meta(_PLANNED, str(generation))
    refuse = refusal.decide(config.refuse)
    store.set_meta(_REFUSE, refuse.value)
    strangers.note_table(store, now, counted_on=ours)
    statements = contents.whole(
        store,
        config,
        state,
        refuse=refuse,
        generation=generation,
        ours=ours,
        now=now,
    )
    return "\n".join(statements) + "\n"


def _is_tampered(store: Store, config: Config, state: TableState | None) -> bool:
    """Tell whether the table has lost rules: it was emptied, or put to sleep.

    One that another version of ours made has others, and that is as it should be.
    """
    refuse = Refuse(store.meta(_REFUSE) or Refuse.RESET.value)
    same = state is not None and state.rules == table.rule_count(config, refuse)
    return not same and not _is_outdated(store)


def _is_outdated(store: Store) -> bool:
    """Tell whether another version of ours made the table."""
    return store.meta(_FORMAT) != str(table.FORMAT)


def _room_for_closing(store: Store, capacity: int) -> int:
    """Return how many close doors the engine can listen for beside the open ones."""
    return max(0, capacity - sum(pairing.window for pairing in store.pairings()))


def _reissue_missing(store: Store, state: TableState) -> None:
    """Forget tickets that somebody took out of the table by hand: they get fresh ids."""
    for ticket in store.tickets():
        if ticket.id not in state.tickets:
            store.withdraw(ticket.id)


def _generations(store: Store) -> tuple[int | None, int | None]:
    values = (store.meta(_GENERATION), store.meta(_PLANNED))
    generation, planned = (None if value is None else int(value) for value in values)
    return generation, planned


def _new_generation() -> int:
    """Return a generation that no backup of the books can hold by chance."""
    return secrets.randbits(_GENERATION_BITS) + 1


def _note_generation(store: Store, now: int, looked_at: int) -> None:
    planned = store.meta(_PLANNED)
    if planned is not None:
        store.set_meta(_GENERATION, planned)
        store.set_meta(_PLANNED, None)
        store.set_meta(_MAKE_ANEW, None)
        store.set_meta(_FORMAT, str(table.FORMAT))
    store.forget_retired()
    hiding.note_applied(store, looked_at)
    exposures.note_intact(store, now)
    store.set_meta(_LOOKED_AT, str(looked_at))


def make_table_anew(store: Store) -> None:
    """Have the next reconcile make a whole new table: its rules follow from the settings."""
    store.set_meta(_MAKE_ANEW, "1")


def is_exposed(store: Store, config: Config, state: TableState | None) -> bool:
    """Tell whether a port that ``init`` chose is visible, by somebody's will or without."""
    if state is None or not set(config.ports) <= state.hidden.keys():
        return True
    return store.meta(_MAKE_ANEW) is None and _is_tampered(store, config, state)
