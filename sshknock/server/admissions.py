"""What knocks have admitted, and how it is taken back.

With single admission there are two parts: the address, and, once that was used up, the connection
that did it. The kernel lets the latter's first packet in again for some seconds, should it be lost.
"""

from __future__ import annotations

from collections.abc import Collection

from sshknock.protocol.addresses import Address, parse_address
from sshknock.server.firewall import kernel, table
from sshknock.server.store import Store


def take_back(store: Store, addresses: Collection[Address]) -> None:
    """Let nobody of these addresses in by a knock that they have made. Sessions go on.

    The addresses come first: from then on no connection can use one of them up.
    """
    statements = []
    for address in addresses:
        statements += table.remove(f"open{table.family(address)}", [str(address)])
    _apply(store, statements)
    state = kernel.read()
    statements = []
    for address, port in state.connections if state is not None else ():
        if address in addresses:
            name = f"conn{table.family(address)}"
            statements += table.remove(name, [f"{address} . {port}"])
    _apply(store, statements)


def of_client(store: Store, name: str) -> set[Address]:
    """Return the addresses that a client's knocks may have admitted, by its sessions."""
    ids = {pairing.id for pairing in store.pairings() if pairing.name == name}
    return {parse_address(s.address) for s in store.sessions() if s.pairing in ids}


def _apply(store: Store, statements: list[str]) -> None:
    if statements:
        kernel.apply("\n".join(statements) + "\n", lock=store.lock)
