"""``client list`` and ``client show``."""

from __future__ import annotations

import json

import click

from sshknock.records import as_dict
from sshknock.server.cli.arguments import name_argument
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, NO_CLIENTS, local_time, say
from sshknock.server.store import Pairing, Store


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def list_(*, as_json: bool) -> None:
    """List the pairings."""
    with opened() as (_, store):
        clients = [(pairing, _values(store, pairing)) for pairing in store.clients()]
    if as_json:
        click.echo(json.dumps({"version": 1, "clients": [values for _, values in clients]}))
        return
    if not clients:
        say(NO_CLIENTS)
    for pairing, values in clients:
        columns = [pairing.name, ", ".join(pairing.hosts), f"port {pairing.port}"]
        columns += [word for word in ("disabled", "rotating") if values[word]]
        click.echo("\t".join(columns))


@click.command()
@name_argument
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def show(name: str, *, as_json: bool) -> None:
    """Show a pairing; never its secret."""
    with opened() as (_, store):
        pairing = store.pairing(name)
        values = _values(store, pairing)
    if as_json:
        click.echo(json.dumps({"version": 1, **values}))
        return
    if pairing.last_open is not None:
        values["last_open"] = local_time(pairing.last_open)
    for key, value in values.items():
        click.echo(f"{key.replace('_', ' '):16} {_shown(value)}")


def _values(store: Store, pairing: Pairing) -> dict[str, object]:
    parameters = as_dict(pairing.parameters)
    parameters["exclude"] = sorted(pairing.parameters.exclude)
    tokens = [p for p in (pairing, store.replacement(pairing)) if p is not None]
    return {
        "name": pairing.name,
        "ids": [p.token_id for p in tokens],  # by which its client finds itself, whatever its name
        "hosts": list(pairing.hosts),
        "port": pairing.port,
        "next": pairing.next,
        "last_open": pairing.last_open,
        "last_address": pairing.last_address,
        "disabled": pairing.disabled,
        "rotating": store.is_rotating(pairing),
        "parameters": parameters,
    }


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}={_shown(item)}" for key, item in value.items())
    return "-" if value is None else str(value)
