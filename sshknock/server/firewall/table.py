"""The table as text: what a fresh one holds, and the statements that change it.

Only bare SYNs to a hidden port are judged, so running sessions never notice that the table comes
or goes, and connection tracking is not needed. The priority is above that of other filters: they
decide first. ``pre`` runs before every other chain and notes who sent the last knock of a door
first; without it an eavesdropper who repeats a train within milliseconds often wins the ticket.
Who touches a tripwire makes no such claim for a while.

Whose train came too late for a door, or held no claim, is noted by ``late``, for the log. Strangers
are counted, and no more: anybody can make as many as they like. Who tries the port right after a
last knock is none: a client does that until its door opens.

What is no SYN and belongs to no connection (FIN, NULL and Xmas scans, stray ACKs) meets what it
would meet on a closed port.
"""

from __future__ import annotations

from collections.abc import Sequence

from sshknock.protocol.addresses import Address
from sshknock.protocol.knocks import Knock
from sshknock.server.config import Admit, Config, Refuse

TABLE = "inet sshknock"
FORMAT = 4
"""Counts the versions of what a fresh table is: another one is made anew, and nobody's fault."""

_SIZE = 65536
_CONNECTING_S = 10  # Linux sends a lost SYN again after 1, 3 and 7 s, and sshd its answer as well
_CLAIMED_S = 2
_CLAIM_S = 5
_STRAY_S = 3
_KNOCKING_S = 15  # as long as a client tries the port after its train
_LATE_S = 60  # reconcile takes it in after 15
_LATE_AT_MOST = 32  # sources can be forged: whoever hears a train must not fill our log with them
_SYN = "tcp flags & (fin | syn | rst | ack)"
_RULE_INDENT = "    "


def fresh_table(config: Config, refuse: Refuse, generation: int, turned_away: int = 0) -> str:
    """Return statements that make the table anew, in one transaction, whatever was there.

    ``turned_away`` is how many packets of strangers were counted until now.
    """
    families = (("4", "ipv4_addr", "ip", "ipv4"), ("6", "ipv6_addr", "ip6", "ipv6"))
    port = "inet_proto . inet_service"
    size = f"size {_SIZE}; }}"
    short_lived = "flags dynamic, timeout; timeout"
    lines = [
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        f"  set tickets {{ type mark; {size}",
        f"  set generation {{ type mark; elements = {{ {generation} }}; }}",
        "  set hidden { type inet_service; flags timeout; }",
        f"  set last {{ type {port}; {size}",
        f"  set tripwires {{ type {port}; {size}",
        f"  counter strangers {{ packets {turned_away} bytes 0; }}",
        f"  set claimed {{ type {port}; {short_lived} {_CLAIMED_S}s; {size}",
    ]
    for n, kind, _, _ in families:
        claim = f"{port} . {kind}"
        lines += [
            f"  set always{n} {{ type {kind}; flags interval; auto-merge; }}",
            f"  set guests{n} {{ type {kind}; flags timeout; {size}",
            f"  set used{n} {{ type mark . {kind}; {size}",
            f"  set open{n} {{ type {kind}; {short_lived} {config.timeout_s}s; {size}",
            f"  set conn{n} {{ type {kind} . inet_service; {short_lived} {_CONNECTING_S}s; {size}",
            f"  set claims{n} {{ type {claim}; {short_lived} {_CLAIM_S}s; {size}",
            f"  set strays{n} {{ type {kind}; {short_lived} {_STRAY_S}s; {size}",
            f"  set knocking{n} {{ type {kind}; {short_lived} {_KNOCKING_S}s; {size}",
            f"  set late{n} {{ type mark . {kind}; flags timeout; timeout {_LATE_S}s;"
            f" size {_LATE_AT_MOST}; }}",
        ]
    lines += [
        "  chain pre {",
        "    type filter hook prerouting priority -300; policy accept;",
        f"    meta l4proto tcp {_SYN} != syn accept",
    ]
    for n, _, header, protocol in families:
        # The packet that sets the claim is the first; later ones of others find it claimed.
        knock = "meta l4proto . th dport"
        lines += [
            f"    meta nfproto {protocol} {knock} @tripwires"
            f" update @strays{n} {{ {header} saddr }}",
            f"    meta nfproto {protocol} {knock} @last {header} saddr != @strays{n}"
            f" {knock} != @claimed add @claimed {{ {knock} }}"
            f" update @claims{n} {{ {knock} . {header} saddr }}"
            f" update @knocking{n} {{ {header} saddr }}",
        ]
    lines += [
        "  }",
        "  chain input {",
        "    type filter hook input priority 10; policy accept;",
        "    iif lo accept",
        f"    tcp dport @hidden {_SYN} == syn goto door",
        "    tcp dport @hidden tcp flags & (rst | ack) == 0x0 goto refused",
        "  }",
        "  chain door {",
    ]
    for n, _, header, _ in families:
        lines += _door_rules(config.admit, n, header)
    lines += [
        "    goto refused",
        "  }",
        "  chain refused {",
        "    ip saddr != @knocking4 counter name strangers",
        "    ip6 saddr != @knocking6 counter name strangers",
        f"    {refusal(refuse)}",
        "  }",
    ]
    if refuse is Refuse.DROP:
        # The listening socket answers a stray ACK with a bare reset; a session's reset has an ACK.
        lines += [
            "  chain output {",
            "    type filter hook output priority 10; policy accept;",
            "    oif lo accept",
            "    tcp sport @hidden tcp flags & (syn | rst | ack) == rst drop",
            "  }",
        ]
    lines.append("}")
    return "\n".join(lines) + "\n"


def rule_count(config: Config, refuse: Refuse) -> int:
    """Return how many rules the table has: one that somebody emptied has fewer."""
    lines = fresh_table(config, refuse, 0).splitlines()
    return sum(line.startswith(_RULE_INDENT) and " hook " not in line for line in lines)


def _door_rules(admit: Admit, n: str, header: str) -> list[str]:
    source = f"{header} saddr"
    # Who is let in anyway must not use an admission up.
    free = [f"    {source} @always{n} accept", f"    {source} @guests{n} accept"]
    if admit is Admit.TIMED:
        return [*free, f"    {source} @open{n} accept"]
    connection = f"{source} . tcp sport"
    return [
        *free,
        # A retransmitted SYN of the connection that was let in is let in again.
        f"    {connection} @conn{n} accept",
        f"    {source} @open{n} delete @open{n} {{ {source} }}"
        f" add @conn{n} {{ {connection} }} accept",
    ]


def refusal(refuse: Refuse) -> str:
    """Return the verdict for a stranger's SYN; ``auto`` must have been decided before."""
    return "drop" if refuse is Refuse.DROP else "reject with tcp reset"


def family(address: Address) -> str:
    """Return the digit that the sets of an address's family end in."""
    return str(address.version)


def knock_element(knock: Knock) -> str:
    """Return a knock as an element of ``last``."""
    return f"{knock.transport.value} . {knock.port}"


def timed(element: str, seconds: int) -> str:
    """Return an element that the kernel takes out of its set by itself."""
    return f"{element} timeout {seconds}s"


def add(set_name: str, elements: Sequence[str]) -> list[str]:
    """Return the statement that adds elements to a set; none for none."""
    return _change("add", set_name, elements)


def delete(set_name: str, elements: Sequence[str]) -> list[str]:
    """Return the statement that deletes elements; one that is missing fails the transaction."""
    return _change("delete", set_name, elements)


def flush(set_name: str) -> list[str]:
    """Return the statement that empties a set."""
    return [f"flush set {TABLE} {set_name}"]


def remove(set_name: str, elements: Sequence[str]) -> list[str]:
    """Return statements that leave elements out of a set whether or not they were in it.

    nft has ``destroy`` for this from 1.0.7 on only; adding what is there changes nothing.
    """
    return [*add(set_name, elements), *delete(set_name, elements)]


def _change(verb: str, set_name: str, elements: Sequence[str]) -> list[str]:
    if not elements:
        return []
    return [f"{verb} element {TABLE} {set_name} {{ {', '.join(elements)} }}"]


def admit(address: str, version: str, timeout_s: int) -> list[str]:
    """Return statements that admit an address for a time counted from now."""
    # An element that is there keeps its old timeout on older kernels: so it goes first.
    return [
        *remove(f"open{version}", [address]),
        *add(f"open{version}", [timed(address, timeout_s)]),
    ]
