"""What to do next about a pairing, where there is something to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sshknock.client.state import FAILED
from sshknock.client.status.looks import Look

_NAMES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Step:
    """``short`` is for a table, ``command`` what to type, with the name in braces, and why."""

    short: str
    command: str
    why: str


HIDE = Step(
    "see the server",
    "sshknock-server status",
    "the port answers without a knock: it is not hidden, or your address is let in there",
)
DOCTOR = Step("doctor", "sshknock doctor {name}", "the last login did not come through")
SEARCH = Step(
    "sync --search",
    "sshknock sync {name} --search",
    "logins do not come through, perhaps out of step; 'sshknock doctor' tells",
)
WRITE = Step("ssh-config --write", "sshknock ssh-config {name} --write", "ssh does not knock yet")
PUSH = Step("push", "sshknock push {name}", "the server's list of sequences runs low")
FIRST = Step("ssh {name}", "ssh {name}", "never used")


def next_step(look: Look) -> Step | None:
    """Return what should be done first; None when all is well or the state cannot be read."""
    state = look.state
    if state is None:
        return None
    if look.seen_hidden is False:
        return HIDE
    if state.is_used_up():
        return PUSH
    if state.last_result == FAILED and not look.is_knocking:
        return SEARCH if state.counters.top is not None else DOCTOR
    if state.listed is not None and state.listed.is_low(state.counters.confirmed):
        return PUSH
    if state.last_open is None:
        return FIRST if look.has_block else WRITE
    return None


def to_do(looks: Iterable[Look]) -> list[tuple[str, str]]:
    """Return commands and their reasons, each once however many pairings it is for."""
    found: dict[Step, list[str]] = {}
    for look in looks:
        step = next_step(look)
        if step is not None:
            found.setdefault(step, []).append(look.pairing.name)
    return [(_command(step, names), _reason(step, names)) for step, names in found.items()]


def _command(step: Step, names: Sequence[str]) -> str:
    if len(names) == 1:
        return step.command.format(name=names[0])
    if step is WRITE:  # without a name it writes the blocks of all
        return step.command.replace("{name} ", "")
    return step.command.format(name="NAME")


def _reason(step: Step, names: Sequence[str]) -> str:
    if len(names) == 1 and "{name}" in step.command:
        return step.why
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more: {step.why}" if more > 0 else f"{shown}: {step.why}"
