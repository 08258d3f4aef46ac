"""``sshknock derive``: the sequences themselves, for other programs to be held against."""

from __future__ import annotations

import json
from typing import Any

import click

from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.system.command_line import read_private, reading_arguments

_DEFAULTS = Parameters()


@click.command(short_help="Print the sequence of a counter.")
@click.option(
    "--secret-file",
    required=True,
    metavar="F",
    type=click.Path(),  # so that shells complete it
    help="64 hex digits; - reads them here.",
)
@click.option("--counter", type=int, required=True, metavar="N", help="From 0 on.")
@click.option("--purpose", type=click.Choice([p.value for p in Purpose]), default="open")
@click.option(
    "--ports", metavar="LOW-HIGH", default="3000-65000", show_default=True, help="Of the knocks."
)
@click.option("--knocks", metavar="N|LOW-HIGH", default="4-6", show_default=True, help="How many.")
@click.option("--port-source", type=click.Choice(sorted(PORT_SOURCES)), default="hmac")
@click.option("--protocol-source", type=click.Choice(sorted(PROTOCOL_SOURCES)), default="henon")
@click.option(
    "--henon-a", type=float, default=_DEFAULTS.henon_a, show_default=True, help="The map's a."
)
@click.option(
    "--henon-b", type=float, default=_DEFAULTS.henon_b, show_default=True, help="The map's b."
)
@click.option(
    "--threshold", type=float, default=_DEFAULTS.threshold, show_default=True, help="udp above it."
)
@click.option("--exclude", metavar="PORT,...", default="", help="Ports that are never knocked.")
@click.option("--json", "as_json", is_flag=True, help="For programs; this form is stable.")
def derive(secret_file: str, counter: int, purpose: str, as_json: bool, **values: Any) -> None:
    """Print the sequence that a secret, a purpose and a counter stand for."""
    from sshknock.protocol.derivation import derive as derive_sequence  # noqa: PLC0415
    from sshknock.protocol.ranges import parse_lengths, parse_ports, parse_range  # noqa: PLC0415
    from sshknock.protocol.secrets import Secret  # noqa: PLC0415

    with reading_arguments():
        port_min, port_max = parse_range(values.pop("ports"))
        knocks_min, knocks_max = parse_lengths(values.pop("knocks"))
        parameters = Parameters(
            port_min=port_min,
            port_max=port_max,
            knocks_min=knocks_min,
            knocks_max=knocks_max,
            exclude=parse_ports(values.pop("exclude")),
            **values,
        )
        parameters.check()
    secret = Secret.from_hex(read_private(secret_file))
    with reading_arguments():
        sequence = derive_sequence(secret, Purpose(purpose), counter, parameters)
    if as_json:
        knocks = [[knock.port, knock.transport.value] for knock in sequence]
        click.echo(json.dumps({"counter": counter, "purpose": purpose, "sequence": knocks}))
    else:
        click.echo(" ".join(map(str, sequence)))
