"""What several commands say alike, and how people are told it."""

from __future__ import annotations

import os
import sys

import click

from sshknock.server.config import Config, Hook
from sshknock.server.hiding import HOW_TO_HIDE, Hiding, Mode
from sshknock.server.moments import local_time
from sshknock.server.store import Store
from sshknock.wrapping import fitted

__all__ = [
    "JSON_HELP",
    "NO_CLIENTS",
    "NO_KEYS",
    "advice",
    "coloured",
    "hangs",
    "listed",
    "local_time",
    "say",
    "why_nobody_can_knock",
]

JSON_HELP = "For programs; this form is stable."
NO_CLIENTS = "No clients yet: 'sshknock-server client add NAME' makes one."
NO_KEYS = "no client has a key yet"
_HANG = 2


def hangs(text: str, *, hang: int = _HANG) -> str:
    """Return a line as the standard output shows it: at a terminal it is broken at its width."""
    return fitted(text, sys.stdout, hang=hang)


def coloured(text: str, colour: str | None) -> str:
    """Return text in a colour, unless people asked for none (no-color.org)."""
    if colour is None or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=colour)


def say(text: str) -> None:
    """Tell people a sentence or two."""
    click.echo(hangs(text))


def listed(ports: tuple[int, ...]) -> str:
    """Return ports as people read them."""
    return ", ".join(str(port) for port in ports)


def advice(hiding: Hiding, config: Config) -> str | None:
    """Return what to do about a trial or a visible port; None when there is nothing to do."""
    if hiding.is_visible:
        return f"To hide it: {HOW_TO_HIDE}."
    if hiding.mode is not Mode.TRIAL:
        return None
    if config.hook is Hook.NONE:
        return (
            "Only 'sshknock-server confirm' keeps it hidden after that: with --hook none no login"
            " is noticed."
        )
    return "Only a knocked login or 'sshknock-server confirm' keeps it hidden after that."


def why_nobody_can_knock(store: Store) -> str | None:
    """Return why no client can, as the beginning of a sentence; None when one can."""
    clients = store.clients()
    if any(pairing.window for pairing in clients):
        return None
    return "every client is disabled" if clients else NO_KEYS
