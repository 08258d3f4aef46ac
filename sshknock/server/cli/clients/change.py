"""``client disable``, ``enable`` and ``remove``."""

from __future__ import annotations

import json
import time

import click

from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP
from sshknock.server.reconcile import agree
from sshknock.server.reconcile import reconcile as reconcile_server


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def disable(name: str, *, as_json: bool) -> None:
    """Close a client's doors until it is enabled again. Its running sessions go on."""
    named = _switch(name, disabled=True)
    if as_json:
        click.echo(json.dumps({"version": 1, "name": named, "disabled": True}))
    else:
        click.echo(f"{named} is disabled: its knocks open nothing until it is enabled.")


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def enable(name: str, *, as_json: bool) -> None:
    """Give a disabled client its doors back, where its counter stands."""
    named = _switch(name, disabled=False)
    if as_json:
        click.echo(json.dumps({"version": 1, "name": named, "disabled": False}))
    else:
        click.echo(f"{named} is enabled.")


@click.command()
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


def _switch(name: str, *, disabled: bool) -> str:
    """Disable or enable a pairing; return its name as the books have it. Twice is no error."""
    word = "disable" if disabled else "enable"
    with opened() as (config, store):
        agree(store, config, word)  # a door that was just used is entered while it is known
        pairing = store.pairing(name)
        if pairing.disabled is not disabled:
            with store.transaction():
                store.set_disabled(pairing, disabled=disabled)
                store.record(f"client {word}d", int(time.time()), pairing=pairing.name)
    reconcile_server(f"client {word} {name}")
    return pairing.name
