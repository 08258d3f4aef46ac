"""What several commands say alike."""

from __future__ import annotations

from sshknock.server.config import Config, Hook
from sshknock.server.hiding import HOW_TO_HIDE, Hiding, Mode
from sshknock.server.moments import local_time

__all__ = ["JSON_HELP", "NO_CLIENTS", "advice", "listed", "local_time"]

JSON_HELP = "For programs; this form is stable."
NO_CLIENTS = "No clients yet: 'sshknock-server client add NAME' makes one."


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
            "Then it is visible again, unless 'sshknock-server confirm' was run: with --hook none"
            " no login is noticed."
        )
    return (
        "Then it is visible again, unless somebody has logged in by a knock, or"
        " 'sshknock-server confirm' was run."
    )
