"""``client disable``, ``enable`` and ``remove``."""

from __future__ import annotations

import json
import time

import click

from sshknock.server import admissions, hiding
from sshknock.server.cli.arguments import name_argument
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import JSON_HELP, say, why_nobody_can_knock
from sshknock.server.config import Config
from sshknock.server.reconcile import agree
from sshknock.server.reconcile import reconcile as reconcile_server
from sshknock.server.store import Kind, Pairing, Store


@click.command()
@name_argument
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def disable(name: str, *, as_json: bool) -> None:
    """Close a client's doors until it is enabled again. Its running sessions go on.

    What its knocks have admitted is taken back.
    """
    named = _switch(name, disabled=True)
    if as_json:
        click.echo(json.dumps({"version": 1, "name": named, "disabled": True}))
    else:
        say(f"{named} is disabled: its knocks open nothing until it is enabled.")
        _note_that_nobody_is_left()


@click.command()
@name_argument
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def enable(name: str, *, as_json: bool) -> None:
    """Give a disabled client its doors back, where its counter stands."""
    named = _switch(name, disabled=False)
    if as_json:
        click.echo(json.dumps({"version": 1, "name": named, "disabled": False}))
    else:
        say(f"{named} is enabled.")


@click.command()
@name_argument
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def remove(name: str, *, as_json: bool) -> None:
    """Remove a pairing: its doors close, its running sessions go on.

    What its knocks have admitted is taken back.
    """
    with opened() as (config, store):
        agree(store, config, "remove")
        pairing = store.pairing(name)
        with store.transaction():
            store.set_disabled(pairing, disabled=True)
        _shut_out(store, config, pairing)
        with store.transaction():
            store.remove_pairing(pairing)
            store.record("client-removed", int(time.time()), pairing=pairing.name)
    reconcile_server(f"client remove {name}")
    if as_json:
        click.echo(json.dumps({"version": 1, "removed": pairing.name}))
    else:
        say(f"{pairing.name} is removed; its knocks open nothing any more.")
        _note_that_nobody_is_left()


def _switch(name: str, *, disabled: bool) -> str:
    """Disable or enable a pairing; return its name as the books have it. Twice is no error."""
    word = "disable" if disabled else "enable"
    with opened() as (config, store):
        agree(store, config, word)  # a door that was just used is entered while it is known
        pairing = store.pairing(name)
        if pairing.disabled is not disabled:
            with store.transaction():
                store.set_disabled(pairing, disabled=disabled)
                happened: Kind = "client-disabled" if disabled else "client-enabled"
                store.record(happened, int(time.time()), pairing=pairing.name)
        if disabled:
            _shut_out(store, config, pairing)
    reconcile_server(f"client {word} {name}")
    return pairing.name


def _shut_out(store: Store, config: Config, pairing: Pairing) -> None:
    """Take a disabled client's doors out of the kernel, and then what they have admitted.

    In this order: a door that is used meanwhile is in the books by then, and its address with it.
    """
    agree(store, config, "disable")
    admissions.take_back(store, admissions.of_client(store, pairing.name))


def _note_that_nobody_is_left() -> None:
    """Say so where the port is hidden and no client can knock: nobody new gets in."""
    with opened() as (_, store):
        is_well = hiding.of(store).is_visible or why_nobody_can_knock(store) is None
    if not is_well:
        say(
            "Note: no client is left that can knock: only sessions that are open now stay."
            " 'sshknock-server unhide' shows the port."
        )
