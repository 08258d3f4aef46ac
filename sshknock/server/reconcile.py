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

from sshknock.protocol.addresses import Address, parse_address
from sshknock.protocol.knocks import Purpose
from sshknock.server import books, paths, proc
from sshknock.server.access import opened
from sshknock.server.config import Config, Refuse
from sshknock.server.connections import ports_in_use
from sshknock.server.engines.base import Door, DoorEngine, Progress
from sshknock.server.engines.knockd.engine import KnockdEngine
from sshknock.server.firewall import kernel, refusal, table, tripwires
from sshknock.server.firewall.kernel import TableState
from sshknock.server.store import Store

_RACES_AT_MOST = 20
_GENERATION_BITS = 31

_GENERATION = "generation"
_PLANNED = "planned generation"
_INTACT_AT = "table intact at"
_MAKE_ANEW = "make the table anew"
_REFUSE = "refuse"
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


def enter_session(peer_address: str, peer_port: int, pid: int, started: int) -> None:
    """Note that an sshd process (``started``: ticks since boot) serves the session of a peer.

    The books first hear of the knock that opened its door: the knock's own hook may still be on its
    way. The engine is left to the next reconcile.
    """
    with opened() as (config, store):
        agree(store, config, "session")
        with store.transaction():
            books.attach(store, parse_address(peer_address), peer_port, pid, started)


def _settle(store: Store, config: Config, reason: str) -> Progress:
    doors = agree(store, config, reason)
    listener: DoorEngine = engine(store, config)
    return listener.update(doors)


def engine(store: Store, config: Config) -> KnockdEngine:
    """Return the engine of the settings."""
    return KnockdEngine(config, decoy_seed(store))


def decoy_seed(store: Store) -> bytes:
    """Return the server's own secret that decoys, guard and tripwires are drawn from."""
    return bytes.fromhex(store.meta("decoys") or "")


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
    ours = state is not None and state.generation in {generation, planned} - {None}
    if state is not None and ours:
        if planned is not None and state.generation == generation:
            store.withdraw_generation(planned)
        store.set_meta(_GENERATION, str(state.generation))
        store.set_meta(_PLANNED, None)
        books.take_in(store, state.used, now=now, not_before=int(store.meta(_LOOKED_AT) or 0))
        _reissue_missing(store, state)
    admitted = state.admitted if state is not None and ours else frozenset()
    books.end_sessions(store, config, admitted, now)
    asked_for = store.meta(_MAKE_ANEW) is not None
    lost = state is None or not ours or _is_tampered(store, config, state)
    if lost and not asked_for:
        _record_exposure(store, now, reason)
    if state is None or lost or asked_for:
        return _rebuild(store, config, state, admitted)
    new_generation = _new_generation()
    books.issue_tickets(store, new_generation, _room_for_closing(store, config))
    statements = _differences(store, config, state)
    if not statements:
        return None
    store.set_meta(_PLANNED, str(new_generation))
    statements += table.delete("generation", [str(state.generation)])
    statements += table.add("generation", [str(new_generation)])
    return "\n".join(statements) + "\n"


def _rebuild(
    store: Store, config: Config, state: TableState | None, admitted: frozenset[Address]
) -> str:
    """Plan a whole new table, with fresh tickets.

    It begins with the deletion of the tickets that the old one was seen with: a door that is used
    in between makes the kernel refuse it all, and we look again.
    """
    store.withdraw_all()
    generation = _new_generation()
    books.issue_tickets(store, generation, _room_for_closing(store, config))
    store.set_meta(_PLANNED, str(generation))
    refuse = refusal.decide(config.refuse)
    store.set_meta(_REFUSE, refuse.value)
    statements = table.delete("tickets", sorted(map(str, state.tickets))) if state else []
    statements.append(table.fresh_table(config, refuse, generation))
    for name, elements in _wanted(store, config).items():
        statements += table.add(name, sorted(elements))
    for address in admitted:
        statements += table.admit(str(address), table.family(address), config.timeout_s)
    return "\n".join(statements) + "\n"


def _is_tampered(store: Store, config: Config, state: TableState | None) -> bool:
    """Tell whether the table has lost rules: it was emptied, or put to sleep."""
    refuse = Refuse(store.meta(_REFUSE) or Refuse.RESET.value)
    return state is None or state.rules != table.rule_count(config, refuse)


def _record_exposure(store: Store, now: int, reason: str) -> None:
    intact_at = store.meta(_INTACT_AT)
    if intact_at is not None:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(intact_at)))
        store.record("exposed", now, detail=f"at some time since {since}; noticed by {reason}")


def _room_for_closing(store: Store, config: Config) -> int:
    """Return how many close doors the engine can listen for beside the open ones."""
    opens = sum(pairing.window for pairing in store.pairings())
    return max(0, engine(store, config).capacity - opens)


def _differences(store: Store, config: Config, state: TableState) -> list[str]:
    """Return the statements that bring an intact table to what the books say."""
    statements = []
    for version in ("4", "6"):
        marks = [u for u in state.used if table.family(u.address) == version]
        statements += table.delete(f"used{version}", [f"{u.ticket} . {u.address}" for u in marks])
    present: dict[str, set[str]] = {
        "tickets": {str(ticket) for ticket in state.tickets},
        "last": set(state.last),
        "tripwires": set(state.tripwires),
        "hidden": {str(port) for port in state.hidden},
    }
    wanted = _wanted(store, config) | {"hidden": {str(port) for port in config.ports}}
    for name, elements in wanted.items():
        statements += table.delete(name, sorted(present[name] - elements))
        statements += table.add(name, sorted(elements - present[name]))
    return statements


def _wanted(store: Store, config: Config) -> dict[str, set[str]]:
    """Return the elements of the sets that follow from the doors."""
    doors = books.doors(store)
    ranges = [(p.parameters.port_min, p.parameters.port_max) for p in store.pairings()]
    wires = tripwires.choose(
        decoy_seed(store),
        ranges,
        knocks=books.knocks(store),
        used=ports_in_use() | set(config.ports),
    )
    lasts = {door.sequence[-1] for door in doors if door.purpose is Purpose.OPEN}
    return {
        "tickets": {str(door.ticket) for door in doors},
        "last": {table.knock_element(knock) for knock in lasts},
        "tripwires": {table.knock_element(knock) for knock in wires},
    }


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
    store.set_meta(_INTACT_AT, str(now))
    store.set_meta(_LOOKED_AT, str(looked_at))


def make_table_anew(store: Store) -> None:
    """Have the next reconcile make a whole new table: its rules follow from the settings."""
    store.set_meta(_MAKE_ANEW, "1")


def is_exposed(store: Store, config: Config, state: TableState | None) -> bool:
    """Tell whether a port that should be hidden is not."""
    if state is None or not set(config.ports) <= state.hidden:
        return True
    return store.meta(_MAKE_ANEW) is None and _is_tampered(store, config, state)
