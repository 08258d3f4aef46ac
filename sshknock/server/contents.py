"""What the table should hold, by the books and the settings, and the statements to get there."""

from __future__ import annotations

from collections.abc import Mapping

from sshknock.protocol.addresses import Address
from sshknock.protocol.knocks import Purpose
from sshknock.server import books, guests, hiding
from sshknock.server.config import Config, Refuse
from sshknock.server.connections import ports_in_use
from sshknock.server.firewall import table, tripwires
from sshknock.server.firewall.kernel import TableState
from sshknock.server.hiding import Mode
from sshknock.server.networks import ranges
from sshknock.server.store import Store


def decoy_seed(store: Store) -> bytes:
    """Return the server's own secret that decoys, guard and tripwires are drawn from."""
    return bytes.fromhex(store.meta("decoys") or "")


def whole(
    store: Store,
    config: Config,
    state: TableState | None,
    *,
    refuse: Refuse,
    generation: int,
    ours: bool,
    now: int,
) -> list[str]:
    """Return the statements that make the table anew; one that is ``ours`` hands its guests on.

    They begin with the deletion of the tickets and the admissions that the old one was seen with: a
    door or an admission that is used in between makes the kernel refuse it all, and we look again.
    """
    statements = table.delete("tickets", sorted(map(str, state.tickets))) if state else []
    old = state if ours else None
    admitted = {address: left for address, left in old.admitted.items() if left} if old else {}
    for address in admitted:
        statements += table.delete(f"open{table.family(address)}", [str(address)])
    turned_away = old.turned_away if old else 0
    statements.append(table.fresh_table(config, refuse, generation, turned_away))
    for name, elements in _doors(store, config).items():
        statements += table.add(name, sorted(elements))
    statements += _add_hidden(hiding.of(store).elements(config.ports, now))
    statements += _add_always(config)
    statements += _add_guests(guests.wanted(store, old.guests if old else {}, now))
    for address, seconds in admitted.items():
        element = table.timed(str(address), min(seconds, config.timeout_s))
        statements += table.add(f"open{table.family(address)}", [element])
    for (address, port), seconds in old.connections.items() if old else ():
        element = table.timed(f"{address} . {port}", max(1, seconds))
        statements += table.add(f"conn{table.family(address)}", [element])
    return statements


def differences(store: Store, config: Config, state: TableState, now: int) -> list[str]:
    """Return the statements that bring an intact table to what the books say."""
    statements = []
    for version in ("4", "6"):
        marks = [u for u in state.used if table.family(u.address) == version]
        statements += table.delete(f"used{version}", [f"{u.ticket} . {u.address}" for u in marks])
        late = [u for u in state.late if table.family(u.address) == version]
        statements += table.remove(f"late{version}", [f"{u.ticket} . {u.address}" for u in late])
    present: dict[str, set[str]] = {
        "tickets": {str(ticket) for ticket in state.tickets},
        "last": set(state.last),
        "tripwires": set(state.tripwires),
    }
    for name, elements in _doors(store, config).items():
        statements += table.delete(name, sorted(present[name] - elements))
        statements += table.add(name, sorted(elements - present[name]))
    statements += _change_hidden(store, config, state, now)
    statements += _change_guests(guests.wanted(store, state.guests, now), state)
    if state.always != ranges(config.always):
        statements += [*table.flush("always4"), *table.flush("always6"), *_add_always(config)]
    return statements


def _doors(store: Store, config: Config) -> dict[str, set[str]]:
    """Return the elements of the sets that follow from the doors."""
    doors = books.doors(store)
    spans = [(p.parameters.port_min, p.parameters.port_max) for p in store.pairings()]
    wires = tripwires.choose(
        decoy_seed(store),
        spans,
        knocks=books.knocks(store),
        used=ports_in_use() | set(config.ports),
    )
    lasts = {door.sequence[-1] for door in doors if door.purpose is Purpose.OPEN}
    return {
        "tickets": {str(door.ticket) for door in doors},
        "last": {table.knock_element(knock) for knock in lasts},
        "tripwires": {table.knock_element(knock) for knock in wires},
    }


def _change_hidden(store: Store, config: Config, state: TableState, now: int) -> list[str]:
    """Bring the hidden ports to what they should be; a trial that runs is the kernel's alone."""
    wish = hiding.of(store)
    wanted = wish.elements(config.ports, now)
    if wish.mode is Mode.TRIAL and wish.applied is not None:
        right = wanted.keys() & state.hidden.keys()
    else:
        right = {p for p, left in wanted.items() if left is None and state.hidden.get(p, 0) is None}
    statements = table.delete("hidden", [str(p) for p in sorted(state.hidden.keys() - right)])
    return statements + _add_hidden({p: wanted[p] for p in sorted(wanted.keys() - right)})


def _change_guests(wanted: Mapping[Address, int], state: TableState) -> list[str]:
    statements = []
    for address in state.guests.keys() - wanted.keys():
        statements += table.delete(f"guests{table.family(address)}", [str(address)])
    missing = {address: wanted[address] for address in wanted.keys() - state.guests.keys()}
    return statements + _add_guests(missing)


def _add_hidden(ports: Mapping[int, int | None]) -> list[str]:
    elements = [
        str(port) if seconds is None else table.timed(str(port), seconds)
        for port, seconds in ports.items()
    ]
    return table.add("hidden", elements)


def _add_always(config: Config) -> list[str]:
    statements = []
    for network in config.always:
        statements += table.add(f"always{network.version}", [str(network)])
    return statements


def _add_guests(seconds_left: Mapping[Address, int]) -> list[str]:
    statements = []
    for address, seconds in seconds_left.items():
        name = f"guests{table.family(address)}"
        statements += table.add(name, [table.timed(str(address), seconds)])
    return statements
