"""The interface that clients come in by, and the addresses that they were told."""

from __future__ import annotations

from collections.abc import Iterator

from sshknock.protocol.addresses import canonical, parse_address
from sshknock.server import interfaces
from sshknock.server.access import opened
from sshknock.server.config import Config
from sshknock.server.doctor.finding import Finding, note, ok, problem


def check_interface(config: Config) -> Iterator[Finding]:
    """Look whether it is there and has addresses: knockd listens on it alone."""
    name = config.interface
    if not interfaces.exists(name):
        yield problem(
            f"There is no network interface {name}.", "sshknock-server init --interface NAME"
        )
        return
    found = interfaces.reachable(interfaces.addresses(name))
    if not found:
        yield problem(
            f"{name} has no address that others can reach.", "give it one: no knock arrives"
        )
    else:
        yield ok(f"{name} has {', '.join(map(str, found))}.")


def check_hosts(config: Config) -> Iterator[Finding]:
    """Look whether clients know this server by addresses that it has."""
    own = interfaces.addresses(config.interface)
    with opened() as (_, store):
        clients = store.clients()
    strange = False
    for pairing in clients:
        for host in pairing.hosts:
            if canonical(host) is not None and parse_address(host) not in own:
                strange = True
                yield note(
                    f"{pairing.name} knows this server as {host}, which {config.interface} has"
                    " not. Is it a router's, or has it changed?",
                    "if it has changed: on the client, sshknock set NAME host=HOST",
                )
    if clients and not strange:
        yield ok("The clients' addresses of this server are its own, or names.")
