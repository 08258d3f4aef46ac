"""One pairing, with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from sshknock.client.keyrings import described
from sshknock.client.state import PairingState
from sshknock.client.status import words
from sshknock.client.status.advice import next_step
from sshknock.client.status.looks import Look
from sshknock.client.status.table import PROBLEM, TO_DO
from sshknock.errors import one_line

_LABEL = 12


def lines(look: Look, *, now: float) -> list[Text]:
    """Return a line for each thing that is known."""
    return [
        Text(look.pairing.name, style="bold"),
        *(
            Text.assemble(f"  {label:{_LABEL}}", (text, style), no_wrap=True, overflow="ignore")
            for label, text, style in _all(look, now)
        ),
    ]


def _all(look: Look, now: float) -> Iterator[tuple[str, str, str]]:
    """Yield a label, what is to be said, and its style."""
    pairing = look.pairing
    others = ", ".join(pairing.hosts[1:])
    yield "server", f"{pairing.host} port {pairing.port}" + (f", or {others}" if others else ""), ""
    yield "keyring", described(pairing.keyring), ""
    if look.problem is not None:
        yield "problem", one_line(look.problem.message), PROBLEM
    if look.state is not None:
        yield from _state(look, look.state, now)
    yield "running", _sessions(look.sessions), ""
    step = next_step(look)
    if step is not None:
        yield "next", f"{step.command.format(name=pairing.name)}: {step.why}", TO_DO


def _state(look: Look, state: PairingState, now: float) -> Iterator[tuple[str, str, str]]:
    counters, parameters = state.counters, state.parameters
    yield "port", _port(look), ""
    yield "last login", _when(state.last_open, now), ""
    if state.last_train != state.last_open:
        yield "last knock", _when(state.last_train, now), ""
    yield (
        "counters",
        f"{words.counter(counters.confirmed)} opened last, {words.counter(counters.sent)} sent",
        "",
    )
    if state.listed is not None:
        yield "list", _left(state.listed.left(counters.confirmed), state.listed.path), ""
    yield (
        "knocks",
        f"{_range(parameters.knocks_min, parameters.knocks_max)} a sequence, of ports"
        f" {parameters.port_min}-{parameters.port_max}",
        "",
    )
    if state.rtt_ms is not None:
        yield "round trip", f"{state.rtt_ms} ms", ""


def _port(look: Look) -> str:
    when = "asked now" if look.answer is not None else "when last tried"
    shown = words.port(look)
    if look.is_knocking and look.answer is None:
        return shown
    return "nobody has looked lately" if shown == words.UNKNOWN else f"{shown}, {when}"


def _when(seconds: int | None, now: float) -> str:
    if seconds is None:
        return words.NEVER
    return f"{words.ago(seconds, now)} ({words.at(seconds)})"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _left(logins: int, path: str) -> str:
    count = "1 login" if logins == 1 else f"{logins} logins"
    return f"good for {count} more" + (f", {path} on the server" if path else "")


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
