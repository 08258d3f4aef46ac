"""``sshknock-server client``: the pairings."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from sshknock.errors import BadInput, UsageError
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.names import parse_host, parse_name, parse_port
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.ranges import parse_ports, parse_range
from sshknock.protocol.token import Token
from sshknock.records import as_dict
from sshknock.server import interfaces
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, NO_CLIENTS, listed, local_time
from sshknock.server.config import Admit, Config
from sshknock.server.reconcile import engine
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.server.store import Pairing, Store
from sshknock.system.files import write_private


@click.group()
def client() -> None:
    """Add, list, show and remove clients."""


@client.command(short_help="Make a pairing and its token.")
@click.argument("name")
@click.option(
    "--host",
    "hosts",
    metavar="HOST",
    multiple=True,
    help="How the client reaches this server.  [default: the interface's address]",
)
@click.option(
    "--port", metavar="PORT", help="The hidden port that the client connects to.  [default: 22]"
)
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the token there.  [default: show it]",
)
@click.option(
    "--ports", metavar="LOW-HIGH", help="Range of the knocks' ports.  [default: 3000-65000]"
)
@click.option("--knocks", metavar="LOW-HIGH", help="Range of a sequence's length.  [default: 4-6]")
@click.option(
    "--port-source",
    type=click.Choice(sorted(PORT_SOURCES)),
    help="What draws the ports.  [default: hmac]",
)
@click.option(
    "--protocol-source",
    type=click.Choice(sorted(PROTOCOL_SOURCES)),
    help="What draws tcp or udp.  [default: henon]",
)
@click.option("--exclude", metavar="PORT,...", help="Ports that are never knocked.")
@click.option(
    "--window", type=int, metavar="N", help="How many counters ahead are accepted.  [default: 8]"
)
def add(
    name: str,
    hosts: tuple[str, ...],
    port: str | None,
    token_file: Path | None,
    ports: str | None,
    knocks: str | None,
    port_source: str | None,
    protocol_source: str | None,
    exclude: str | None,
    window: int | None,
) -> None:
    """Make a pairing and its token, which is all that the client needs.

    The token holds a secret. It is shown once, or written to a file that only root can read.
    """
    parse_name(name)
    given = {"port_source": port_source, "protocol_source": protocol_source, "window": window}
    values: dict[str, object] = {k: v for k, v in given.items() if v is not None}
    if token_file is not None and token_file.exists():
        raise BadInput(f"{token_file} exists already", "choose another file, or remove that one")
    with opened() as (config, store):
        hidden_port = parse_port(port) if port else config.ports[0]
        if hidden_port not in config.ports:
            raise UsageError(f"port {hidden_port} is not hidden here", _hidden_hint(config))
        parameters = parse_parameters(values, ports, knocks, exclude, config)
        _require_room(store, config, parameters)
        with store.transaction():
            pairing = store.add_pairing(
                name,
                hosts=tuple(parse_host(host) for host in hosts) or (_own_address(config),),
                port=hidden_port,
                parameters=parameters,
                now=int(time.time()),
            )
            store.record("client added", int(time.time()), pairing=name)
            line = _token(pairing, config).encode() + "\n"
            if token_file is not None:
                write_private(token_file, line.encode())
    try:
        reconcile_server(f"client add {name}")
    except BaseException:
        # Nobody listens and nobody has the token: leave no pairing rather than half of one.
        with opened() as (_, store), store.transaction():
            store.remove_pairing(store.pairing(name))
        if token_file is not None:
            token_file.unlink(missing_ok=True)
        raise
    if token_file is None:
        sys.stdout.write(line)
        sys.stderr.write(
            f"sshknock: this line is the key of {name}: it is not shown again.\n"
            "sshknock: hint: on the client: sshknock enroll myserver --token-file -\n"
        )
    else:
        chosen = "" if hosts else " (--host changes it)"
        click.echo(
            f"The token of {name} is in {token_file}.\n"
            f"hosts: {', '.join(pairing.hosts)}{chosen}\n"
            f"Next, on the client: sshknock enroll myserver --token-file {token_file.name};"
            " then delete the file here."
        )


@client.command("list")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def list_(*, as_json: bool) -> None:
    """List the pairings."""
    with opened() as (_, store):
        pairings = store.pairings()
    if as_json:
        click.echo(json.dumps({"version": 1, "clients": [_values(p) for p in pairings]}))
        return
    if not pairings:
        click.echo(NO_CLIENTS)
    for pairing in pairings:
        click.echo(f"{pairing.name}\t{', '.join(pairing.hosts)}\tport {pairing.port}")


@client.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def show(name: str, *, as_json: bool) -> None:
    """Show a pairing; never its secret."""
    with opened() as (_, store):
        pairing = store.pairing(name)
    values = _values(pairing)
    if as_json:
        click.echo(json.dumps({"version": 1, **values}))
        return
    if pairing.last_open is not None:
        values["last_open"] = local_time(pairing.last_open)
    for key, value in values.items():
        click.echo(f"{key.replace('_', ' '):16} {_shown(value)}")


@client.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def remove(name: str, *, as_json: bool) -> None:
    """Remove a pairing: its doors close, its running sessions go on."""
    with opened() as (_, store), store.transaction():
        pairing = store.pairing(name)
        store.remove_pairing(pairing)
        store.record("client removed", int(time.time()), pairing=pairing.name)
    reconcile_server(f"client remove {name}")
    if as_json:
        click.echo(json.dumps({"version": 1, "removed": pairing.name}))
    else:
        click.echo(f"{pairing.name} is removed; its knocks open nothing any more.")


def parse_parameters(
    values: dict[str, object],
    ports: str | None,
    knocks: str | None,
    exclude: str | None,
    config: Config,
) -> Parameters:
    """Return parameters of the options that were given, tried out; raise BadInput or UsageError."""
    excluded = parse_ports(exclude or "")
    if ports is not None:
        values["port_min"], values["port_max"] = parse_range(ports)
    if knocks is not None:
        values["knocks_min"], values["knocks_max"] = parse_range(knocks)
    default = Parameters()
    span = range(int(str(values.get("port_min", default.port_min))), 65536)
    # A knock on a hidden port would be taken for a connection.
    values["exclude"] = sorted(excluded | {port for port in config.ports if port in span})
    parameters = Parameters.from_dict(values)
    parameters.check()
    return parameters


def _require_room(store: Store, config: Config, parameters: Parameters) -> None:
    doors = sum(p.parameters.window for p in store.pairings()) + parameters.window
    doors += len(store.sessions())
    capacity = engine(store, config).capacity
    if doors > capacity:
        raise UsageError(
            f"knockd cannot listen for {doors} doors: it would take too long to start",
            f"it serves up to {capacity} here; a smaller --window needs fewer",
        )


def _hidden_hint(config: Config) -> str:
    return f"hidden: {listed(config.ports)}"


def _own_address(config: Config) -> str:
    found = interfaces.reachable(interfaces.addresses(config.interface))
    if not found:
        raise UsageError(
            f"{config.interface} has no address to tell the client", "name one: --host HOST"
        )
    return str(found[0])


def _token(pairing: Pairing, config: Config) -> Token:
    return Token(
        name=pairing.name,
        pairing_id=pairing.token_id,
        hosts=pairing.hosts,
        port=pairing.port,
        secret=pairing.secret,
        parameters=pairing.parameters,
        admission_s=config.timeout_s if config.admit is Admit.TIMED else 0,
    )


def _values(pairing: Pairing) -> dict[str, object]:
    parameters = as_dict(pairing.parameters)
    parameters["exclude"] = sorted(pairing.parameters.exclude)
    return {
        "name": pairing.name,
        "hosts": list(pairing.hosts),
        "port": pairing.port,
        "next": pairing.next,
        "last_open": pairing.last_open,
        "last_address": pairing.last_address,
        "parameters": parameters,
    }


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    return "-" if value is None else str(value)
