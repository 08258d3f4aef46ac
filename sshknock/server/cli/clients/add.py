"""``client add``: a pairing and its token."""

from __future__ import annotations

import time
from pathlib import Path

import click

from sshknock.errors import UsageError
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.names import is_pairing_id, parse_name, parse_port
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.ranges import parse_lengths, parse_ports, parse_range
from sshknock.server.cli.clients.keys import (
    TokenOutput,
    own_address,
    parse_hosts,
    require_room,
    token_file_option,
)
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, listed
from sshknock.server.config import Config
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.system.command_line import reading_arguments


@click.command(short_help="Make a pairing and its token.")
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
@token_file_option
@click.option(
    "--ports", metavar="LOW-HIGH", help="Range of the knocks' ports.  [default: 3000-65000]"
)
@click.option("--knocks", metavar="N|LOW-HIGH", help="A sequence's length.  [default: 4-6]")
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
@click.option("--henon-a", type=float, metavar="A", help="The Hénon map's a.  [default: 1.4]")
@click.option("--henon-b", type=float, metavar="B", help="The Hénon map's b.  [default: 0.3]")
@click.option("--threshold", type=float, metavar="X", help="udp above it.  [default: 0.41085]")
@click.option("--exclude", metavar="PORT,...", help="Ports that are never knocked.")
@click.option(
    "--window", type=int, metavar="N", help="How many counters ahead are accepted.  [default: 8]"
)
@click.option(
    "--id",
    "token_id",
    metavar="ID",
    help="For programs: the token's id, 16 hexadecimal digits.  [default: one of chance]",
)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def add(
    name: str,
    hosts: tuple[str, ...],
    port: str | None,
    token_file: Path | None,
    ports: str | None,
    knocks: str | None,
    port_source: str | None,
    protocol_source: str | None,
    henon_a: float | None,
    henon_b: float | None,
    threshold: float | None,
    exclude: str | None,
    window: int | None,
    token_id: str | None,
    *,
    as_json: bool,
) -> None:
    """Make a pairing and its token, which is all that the client needs.

    The token holds a secret. It is shown once, or written to a file that only root can read.
    """
    given = {
        "port_source": port_source,
        "protocol_source": protocol_source,
        "henon_a": henon_a,
        "henon_b": henon_b,
        "threshold": threshold,
        "window": window,
    }
    values: dict[str, object] = {k: v for k, v in given.items() if v is not None}
    with reading_arguments():
        parse_name(name)
        named_hosts = parse_hosts(hosts)
        named_port = parse_port(port) if port else None
        if token_id is not None and not is_pairing_id(token_id):
            raise UsageError(f"{token_id!r} is no id of a token", "16 hexadecimal digits")
        _require_henon(values)
    output = TokenOutput(token_file)
    with opened() as (config, store):
        hidden_port = named_port or config.ports[0]
        if hidden_port not in config.ports:
            raise UsageError(f"port {hidden_port} is not hidden here", _hidden_hint(config))
        with reading_arguments():
            parameters = parse_parameters(values, ports, knocks, exclude, config)
        require_room(store, config, parameters.window)
        with store.transaction():
            pairing = store.add_pairing(
                name,
                hosts=named_hosts or (own_address(config),),
                port=hidden_port,
                parameters=parameters,
                now=int(time.time()),
                token_id=token_id,
            )
            store.record("client-added", int(time.time()), pairing=name)
            output.take(pairing, config)
    try:
        reconcile_server(f"client add {name}")
    except BaseException:
        # Nobody listens and nobody has the token: leave no pairing rather than half of one.
        with opened() as (_, store), store.transaction():
            store.remove_pairing(store.pairing(name))
        output.withdraw()
        raise
    if as_json:
        click.echo(output.to_json(pairing))
    else:
        output.show(pairing, hosts_were_chosen=bool(hosts))


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
        values["knocks_min"], values["knocks_max"] = parse_lengths(knocks)
    default = Parameters()
    span = range(int(str(values.get("port_min", default.port_min))), 65536)
    # A knock on a hidden port would be taken for a connection.
    values["exclude"] = sorted(excluded | {port for port in config.ports if port in span})
    parameters = Parameters.from_dict(values)
    parameters.check()
    return parameters


def _require_henon(values: dict[str, object]) -> None:
    source = values.get("protocol_source", Parameters().protocol_source)
    for name in ("henon_a", "henon_b", "threshold"):
        if name in values and source != "henon":
            raise UsageError(
                f"--{name.replace('_', '-')} is for --protocol-source henon, not {source}"
            )


def _hidden_hint(config: Config) -> str:
    return f"hidden: {listed(config.ports)}"
