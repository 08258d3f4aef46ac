"""Judging what was seen. Pure: no packet, no file, no clock.

From outside, a secret that is not the server's, counters that are far apart, an engine that does
not run and knocks that are eaten on the way look much alike, and are meant to: a stranger must
learn nothing. So what is certain is said as such, and of the rest all that it may be, the likeliest
first, with the command on the server that decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from sshknock.client.doctor.findings import Check, Finding, problem
from sshknock.client.doctor.packets import Answer, Heard, Plain

_CARRIER = ip_network("100.64.0.0/10")
_FEW = 3
DECIDES = (
    "what decides is on the server: 'sshknock-server doctor' (does the engine run?), 'status' (is"
    " the client there, and at which counter?) and 'log' (what opened, and for whom?)"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known when no train opened the port.

    ``known`` tells that it did open for this pairing once, ``refused_once`` that it was seen to
    refuse then, ``ports`` are those that may be knocked.
    """

    name: str
    host: str
    port: int
    address: str
    source: str
    plain: Plain
    heard: Heard
    trains: int
    known: bool
    refused_once: bool
    ports: tuple[int, int]


def kept_back(heard: Heard, plain: Plain) -> Finding | None:
    """Return the finding for packets that never left this machine, which is certain."""
    if heard.udp_forbidden:
        return problem(
            Check.FIREWALL,
            "this machine's own firewall drops UDP on its way out",
            "let UDP out to the server, to all ports that are knocked ('sudo nft list ruleset'"
            " shows the rules; a VPN or a security program may have made them)",
        )
    if heard.tcp_dropped_here or plain.dropped_here or plain.answer is Answer.FORBIDDEN:
        return problem(
            Check.FIREWALL,
            "this machine's own firewall drops TCP on its way out",
            "let TCP out to the server, to its SSH port and to all ports that are knocked ('sudo"
            " nft list ruleset' shows the rules; a VPN or a security program may have made them)",
        )
    return None


def no_greeting(host: str, port: int) -> Finding:
    """Return the finding for a port that opened, and closed again before sshd said who it is."""
    return problem(
        Check.OPENING,
        f"port {port} of {host} opened, and no SSH server answered there",
        "see sshd's log on the server: it may refuse this address for a while (MaxStartups,"
        " PerSourcePenalties); or is it the wrong port?",
    )


def not_opened(evidence: Evidence) -> Finding:
    """Return the finding for a server that opened for no train."""
    causes = list(_causes(evidence))
    numbered = [f"{number}. {cause}" for number, cause in enumerate(causes, start=1)]
    trains = "1 sequence" if evidence.trains == 1 else f"{evidence.trains} sequences"
    return problem(
        Check.OPENING,
        f"{evidence.host} did not open port {evidence.port} for any of {trains}",
        "see which of these it is, the likeliest first:",
        *numbered,
        DECIDES,
    )


def _causes(evidence: Evidence) -> Iterator[str]:
    yield from _on_the_way(evidence)
    carrier = _behind_a_carrier(evidence.source)
    if carrier:
        yield _other_address(evidence)
    if evidence.known:
        yield (
            "the pairing was removed, disabled or rotated on the server: ask there, or enroll with"
            " a new token"
        )
    else:
        yield (
            "the secret is not the server's (it never opened for this pairing): the token is of"
            " another server, was replaced, or is in use on another machine: enroll with a new one"
        )
    yield "no engine, or no sshd, runs on the server: 'sshknock-server doctor' says which"
    yield (
        "the two are far out of step: 'sshknock sync"
        f" {evidence.name}' asks the server over SSH, with --search by knocking"
    )
    if not _is_silent(evidence):  # else it was said that the address may be another now
        yield (
            f"{evidence.address} port {evidence.port} is not this server's any more: 'sshknock set"
            f" {evidence.name} host=HOST port=PORT'"
        )
    if not carrier and _behind_a_nat(evidence.source, evidence.address):
        yield _other_address(evidence)


def _on_the_way(evidence: Evidence) -> Iterator[str]:
    """Yield what the answers to the knocks tell about the way there."""
    heard, low, high = evidence.heard, *evidence.ports
    let = (
        f"let TCP and UDP {low}-{high} in there (a cloud's security group), or take another network"
    )
    if _is_silent(evidence):
        down = "the server is down, or has another address now ('sshknock set' changes it)"
        if evidence.refused_once:
            yield f"{down}: its port used to refuse, and now nothing answers"
        else:
            yield down
        yield f"a firewall on the way eats everything: {let}"
    elif heard.answered == 0:
        yield (
            "a firewall on the way eats the knocks: SSH's port answers, and none of the knocked"
            f" ones does: {let}"
        )
    elif heard.udp_answered == 0 and heard.udp >= _FEW:
        yield (
            "a firewall on the way eats UDP: TCP knocks were answered, and no UDP knock was"
            f" (some hosts never answer UDP): {let}"
        )
    elif heard.tcp_answered == 0 and heard.tcp >= _FEW:
        yield (
            "a firewall on the way eats TCP to high ports: UDP knocks were answered, and no TCP"
            f" knock was: {let}"
        )


def _is_silent(evidence: Evidence) -> bool:
    """Tell whether nothing at all answered."""
    return evidence.heard.answered == 0 and evidence.plain.answer is Answer.SILENT


def _other_address(evidence: Evidence) -> str:
    kind = "carrier" if _behind_a_carrier(evidence.source) else "router"
    return (
        f"the {kind} gives the knocks another address than the connection: 'sshknock-server log'"
        f" then says open for an address that did not connect; take IPv6, a VPN or another network"
    )


def _behind_a_carrier(source: str) -> bool:
    """Tell whether this address is shared by a carrier's customers (RFC 6598)."""
    address = ip_address(source.partition("%")[0])
    return address.version == _CARRIER.version and address in _CARRIER


def _behind_a_nat(source: str, address: str) -> bool:
    ours, theirs = (ip_address(text.partition("%")[0]) for text in (source, address))
    return ours.is_private and not theirs.is_private
