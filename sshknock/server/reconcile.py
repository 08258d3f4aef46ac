"""The server's one operation: make the books, the kernel and the engine agree.

Every event calls it: a knock, a login and its end, the timer, the boot, a command. It is
idempotent, safe against two of itself and safe to kill at any point:

1. read what the kernel knows: which tickets were used, and the table's generation;
2. move the books on and commit, with the generation that the table is to have;
3. change the table by differences, in one transaction that also sets the generation;
4. let the engine listen for the doors that the tickets now stand for.

Killed between 2 and 3, the table has the old generation: the tickets that were planned were never
issued, and used ones are still marked there. Killed after 3, it has the planned one. A table with
neither was lost (a reboot, a flushed ruleset): the counters stay, all tickets are issued anew with
fresh ids, and the log says since when the port was exposed. A ticket that is missing is no evidence
of use. The mark of a used ticket is.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from sshknock.protocol.knocks import Purpose
from sshknock.protocol.names import parse_address
from sshknock.server import books, paths, proc
from sshknock.server.config import Config, load
from sshknock.server.engines.base import Door, Progress
from sshknock.server.engines.knockd.engine import KnockdEngine
from sshknock.server.firewall import kernel, refusal, table
from sshknock.server.firewall.kernel import TableState
from sshknock.server.store import Store
from sshknock.system.files import locked

_LOCK_PATIENCE_S = 60
_RACES_AT_MOST = 20
_GENERATION_BITS = 31

_GENERATION = "generation"
_PLANNED = "planned generation"
_INTACT_AT = "table intact at"
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
        with locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S):
            config = load()
            store = Store()
            try:
                progress = _settle(store, config, reason)
            finally:
                store.close()
        if not progress.pending or progress.later_s is None:
            return Outcome(progress.later_s)
        # Many changes at once become one replacement of the daemon. Waiting holds no lock.
        time.sleep(progress.later_s)


def enter_session(peer_address: str, peer_port: int, pid: int, started: int) -> None:
    """Note that an sshd process (``started``: ticks since boot) serves the session of a peer.

    The books first hear of the knock that opened its door: the knock's own hook may still be on its
    way. The engine is left to the next reconcile.
    """
    with locked(paths.LOCK_FILE, timeout_s=_LOCK_PATIENCE_S):
        config = load()
        store = Store()
        try:
            agree(store, config, "session")
            with store.transaction():
                books.attach(store, parse_address(peer_address), peer_port, pid, started)
        finally:
            store.close()


def _settle(store: Store, config: Config, reason: str) -> Progress:
    doors = agree(store, config, reason)
    return engine(store, config).update(doors)


def engine(store: Store, config: Config) -> KnockdEngine:
    """Return the engine of the settings."""
    return KnockdEngine(config, bytes.fromhex(store.meta("decoys") or ""))


def agree(store: Store, config: Config, reason: str) -> tuple[Door, ...]:
    """Make the books and the kernel agree; return the doors. The caller holds the lock."""
    paths.RUN.mkdir(mode=0o755, exist_ok=True)
    for races_left in reversed(range(_RACES_AT_MOST)):
        looked_at = proc.now()
        state = kernel.read()
        now = int(time.time())
        with store.transaction():
            statements = _plan(store, config, state, now, reason)
        try:
            if statements:
                kernel.apply(statements)
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
    store: Store, config: Config, state: TableState | None, now: int, reason: str
) -> str | None:
    """Move the books on; return the statements that the table needs, None when it needs none."""
    generation, planned = _generations(store)
    if state is None or state.generation is None or state.generation not in {generation, planned}:
        return _rebuild(store, config, now, reason)
    if planned is not None and state.generation == generation:
        store.withdraw_generation(planned)
    store.set_meta(_GENERATION, str(state.generation))
    store.set_meta(_PLANNED, None)
    books.take_in(store, state.used, now=now, not_before=int(store.meta(_LOOKED_AT) or 0))
    _reissue_missing(store, state)
    books.end_sessions(store, config, state.admitted, now)
    new_generation = _new_generation()
    books.issue_tickets(store, new_generation)
    statements = _differences(books.doors(store), config, state)
    if not statements:
        return None
    store.set_meta(_PLANNED, str(new_generation))
    statements += table.delete("generation", [str(state.generation)])
    statements += table.add("generation", [str(new_generation)])
    return "\n".join(statements) + "\n"


def _rebuild(store: Store, config: Config, now: int, reason: str) -> str:
    """Plan a whole new table: there is none, or not the one that we left."""
    if store.meta(_INTACT_AT) is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(store.meta(_INTACT_AT) or 0)))
        store.record("exposed", now, detail=f"at some time since {since}; noticed by {reason}")
    store.withdraw_all()
    books.end_sessions(store, config, frozenset(), now)
    generation = _new_generation()
    books.issue_tickets(store, generation)
    store.set_meta(_PLANNED, str(generation))
    doors = books.doors(store)
    statements = [table.fresh_table(config, refusal.decide(config.refuse), generation)]
    statements += table.add("tickets", [str(door.ticket) for door in doors])
    statements += table.add("last", sorted(_last_knocks(doors)))
    return "\n".join(statements) + "\n"


def _differences(doors: tuple[Door, ...], config: Config, state: TableState) -> list[str]:
    """Return the statements that bring an intact table to what the books say."""
    statements = []
    for version in ("4", "6"):
        marks = [u for u in state.used if table.family(u.address) == version]
        statements += table.delete(f"used{version}", [f"{u.ticket} . {u.address}" for u in marks])
    for name, wanted, present in (
        ("tickets", {str(door.ticket) for door in doors}, {str(t) for t in state.tickets}),
        ("last", _last_knocks(doors), state.last),
        ("hidden", {str(p) for p in config.ports}, {str(p) for p in state.hidden}),
    ):
        statements += table.delete(name, sorted(present - wanted))
        statements += table.add(name, sorted(wanted - present))
    return statements


def _last_knocks(doors: tuple[Door, ...]) -> set[str]:
    return {table.knock_element(d.sequence[-1]) for d in doors if d.purpose is Purpose.OPEN}


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
    store.set_meta(_INTACT_AT, str(now))
    store.set_meta(_LOOKED_AT, str(looked_at))


def forget_table(store: Store) -> None:
    """Have the next reconcile make a whole new table, without taking the old one for lost."""
    for key in (_GENERATION, _PLANNED, _INTACT_AT):
        store.set_meta(key, None)


def is_exposed(config: Config, state: TableState | None) -> bool:
    """Tell whether a port that should be hidden is not."""
    return state is None or not set(config.ports) <= state.hidden
