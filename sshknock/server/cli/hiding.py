"""``sshknock-server confirm``, ``hide``, ``unhide``, ``admit``, ``revoke``: who sees the port."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from sshknock.errors import UsageError
from sshknock.server import guests, hiding
from sshknock.server.cli.root import confirm as ask
from sshknock.server.cli.root import opened
from sshknock.server.cli.words import advice, listed, local_time, say, why_nobody_can_knock
from sshknock.server.config import Config
from sshknock.server.hiding import Hiding, Mode
from sshknock.server.networks import contain
from sshknock.server.reconcile import agree
from sshknock.server.store import Store
from sshknock.system.command_line import parse_time, reading_arguments

_GUEST_S = 3600
_AN_ADDRESS = "an IPv4 or IPv6 address"
_NO_NETWORK = f"{_AN_ADDRESS}; for a network: 'sshknock-server init --always NETWORK'"

_yes: Callable[[Any], Any] = click.option("--yes", is_flag=True, help="Do not ask.")


def parse_trial(text: str) -> int:
    """Return the seconds of a trial; raise UsageError."""
    seconds = parse_time(text)
    if not 1 <= seconds <= hiding.TRIAL_LONGEST_S:
        raise UsageError("a trial is between 1s and 24h long")
    return seconds


@click.command(short_help="End a trial: the port stays hidden.")
@_yes
def confirm(*, yes: bool) -> None:
    """End a trial: the port stays hidden. A login by a knock does the same."""
    _ask_without_clients("confirm", {Mode.TRIAL}, yes=yes)
    with opened() as (config, store):
        agree(store, config, "command")
        with store.transaction():
            confirmed = hiding.confirm_by_hand(store, int(time.time()))
        agree(store, config, "command")
    ports = listed(config.ports)
    if confirmed:
        say(f"Confirmed: port {ports} stays hidden.")
    else:
        say(f"There is no trial: port {ports} is hidden for good already.")


@click.command(short_help="Hide the port again.")
@click.option(
    "--trial",
    metavar="TIME",
    help="Show it again after this time, unless a knocked login has confirmed. 10m, for example.",
)
@_yes
def hide(trial: str | None, *, yes: bool) -> None:
    """Hide the port, after unhide or after a trial. With --trial, from now on it is on trial."""
    trial_s = None if trial is None else parse_trial(trial)
    if trial_s is None:
        _ask_without_clients("hide", {*Mode} - {Mode.HIDDEN}, yes=yes)
    with opened() as (config, store):
        now = int(time.time())
        wanted = hiding.for_good(now) if trial_s is None else hiding.on_trial(now, trial_s)
        was = _change(store, config, wanted, by="hide")
        nobody = why_nobody_can_knock(store)
    ports = listed(config.ports)
    if trial is None and was.mode is Mode.HIDDEN:
        say(f"Port {ports} is hidden already.")
        return
    sentence = wanted.sentence(ports, config.interface)
    if trial is None and was.mode is Mode.TRIAL:
        sentence = f"{sentence.removesuffix('.')}; the trial is over."
    say(sentence)
    told = advice(wanted, config)
    if told is not None:
        say(told)
    if nobody is not None:
        say(f"Note: {nobody}: only sessions that are open now can do anything.")


@click.command(short_help="Show the port until 'hide'.")
@click.option("--yes", is_flag=True, hidden=True, expose_value=False)  # as its siblings take it
def unhide() -> None:
    """Show the port to everybody until 'hide'. Knocks go on working, and nothing is lost."""
    with opened() as (config, store):
        was = _change(store, config, hiding.unhidden(int(time.time())), by="unhide")
    already = " already" if was.is_visible else " now"
    say(f"Port {listed(config.ports)} is visible{already}. 'sshknock-server hide' hides it.")


def _ask_without_clients(command: str, modes: set[Mode], *, yes: bool) -> None:
    """Ask before a port in one of these modes is hidden for good, if nobody can knock for it."""
    with opened() as (config, store):
        agree(store, config, "command")
        nobody = why_nobody_can_knock(store) if hiding.of(store).mode in modes else None
    if nobody is not None:
        ports = listed(config.ports)
        ask(
            f"{nobody.capitalize()}: port {ports} closes for everybody, and only sessions that are"
            " open now stay. Go on?",
            yes=yes,
            asks_before=f"{command} asks before it hides port {ports}",
        )


def _change(store: Store, config: Config, wanted: Hiding, *, by: str) -> Hiding:
    """Hide or show the port, unless it is so already; return how it was."""
    agree(store, config, "command")
    was = hiding.of(store)
    if wanted.mode is Mode.TRIAL or wanted.mode is not was.mode:
        with store.transaction():
            hiding.change(store, wanted, by=by)
        agree(store, config, "command")
    return was


@click.command(short_help="Let an address in without a knock for a time.")
@click.argument("address")
@click.option("--for", "time_", metavar="TIME", help="How long, 24h at the most.  [default: 1h]")
def admit(address: str, time_: str | None) -> None:
    """Let an address in without a knock for a time, reboots included. The time counts from now."""
    with reading_arguments(_NO_NETWORK):
        guest = guests.parse_guest(address)
    seconds = guests.check_time(parse_time(time_) if time_ is not None else _GUEST_S)
    with opened() as (config, store):
        agree(store, config, "command")
        until = guests.admit(store, guest, seconds, int(time.time()))
    say(f"{guest} is admitted until {local_time(until)}.")


@click.command(short_help="Take an admission back.")
@click.argument("address")
def revoke(address: str) -> None:
    """Let an address in no more, as a guest or by the knock it made. Its sessions stay open."""
    with reading_arguments(_AN_ADDRESS):
        guest = guests.parse_guest(address)
    with opened() as (config, store):
        agree(store, config, "command")
        was_guest = guests.is_guest(store, guest)
        was_admitted = guests.revoke(store, guest, int(time.time()))
    if was_guest:
        say(f"{guest} is no guest any more.")
    elif was_admitted:
        say(f"{guest} was no guest; its knock lets it in no more.")
    else:
        say(f"{guest} was no guest.")
    if contain(config.always, guest):
        say(
            f"Note: {guest} is in a network that is always admitted: see 'sshknock-server init"
            " --always'."
        )
