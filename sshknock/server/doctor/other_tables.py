"""What the other tables of nftables do with a new connection to a port.

Their rules are followed as far as they can be: a match on something that we do not know (a source,
a mark, a limit) may be so or not. Only a chain that drops whatever the answers are is told of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sshknock.errors import SystemFault
from sshknock.server.firewall.table import TABLE
from sshknock.system.processes import program, run

_ACCEPT, _DROP, _GO_ON, _END = "accept", "drop", "go on", "end"
_VERDICTS = {"accept": _ACCEPT, "drop": _DROP, "reject": _DROP, "return": _END}
_NEUTRAL = {"counter", "log", "mangle", "notrack", "set", "comment"}
_HOOKS = {"prerouting", "input"}
_FAMILIES = {4: {"ip", "inet"}, 6: {"ip6", "inet"}}
_NAMES = {4: ("ipv4", "ip"), 6: ("ipv6", "ip6")}

Item = dict[str, Any]


def listing() -> list[Item]:
    """Return the whole ruleset but our own table, as nft has it in JSON; raises SystemFault."""
    return parse(
        run([str(program("nft", "nftables")), "-j", "list", "ruleset"], timeout_s=60).stdout
    )


def parse(text: str) -> list[Item]:
    """Read what nft printed; raises SystemFault."""
    try:
        items = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError) as error:
        raise SystemFault("nft cannot list the ruleset", "try: nft list ruleset") from error
    return [item for item in items if " ".join(_table_of(item)) != TABLE]


def that_drop(items: list[Item], port: int, interface: str, version: int) -> Iterator[str]:
    """Yield the base chains that drop every new TCP connection to a port."""
    for item in items:
        chain = item.get("chain", {})
        is_asked = chain.get("hook") in _HOOKS and chain.get("type") == "filter"
        if is_asked and chain["family"] in _FAMILIES[version]:
            follower = _Follower(items, _table_of(item), port, interface, version)
            outcomes = follower.outcomes(chain["name"])
            if _END in outcomes:
                outcomes = (outcomes - {_END}) | {chain.get("policy", _ACCEPT)}
            if outcomes == {_DROP}:
                yield f"chain {chain['name']} of table {chain['family']} {chain['table']}"


@dataclass(frozen=True, slots=True)
class _Follower:
    """Follows a packet through the chains of one table."""

    items: list[Item]
    table: tuple[str, str]
    port: int
    interface: str
    version: int

    def outcomes(self, chain: str) -> set[str]:
        """Return what can become of the packet in a chain; ``end`` is its end, or a return."""
        found: set[str] = set()
        for item in self.items:
            rule = item.get("rule", {})
            if rule.get("chain") == chain and _table_of(item) == self.table:
                can_be = self._of_rule(rule["expr"])
                found |= can_be - {_GO_ON}
                if _GO_ON not in can_be:
                    return found
        return found | {_END}

    def _of_rule(self, statements: list[Item]) -> set[str]:
        can_be: set[str] = set()
        for statement in statements:
            ((kind, content),) = statement.items()
            if kind in _NEUTRAL:
                continue
            if kind == "match":
                holds = self._holds(content["op"], content["left"], content["right"])
            elif kind == "vmap":
                return can_be | self._of_map(content)
            elif kind in _VERDICTS or kind in {"jump", "goto"}:
                return can_be | self._of_verdict(kind, content)
            else:
                holds = None
            if holds is False:
                return can_be | {_GO_ON}
            if holds is None:
                can_be.add(_GO_ON)
        return can_be | {_GO_ON}

    def _of_verdict(self, kind: str, content: Any) -> set[str]:
        if kind == "jump":
            inside = self.outcomes(content["target"])
            return (inside - {_END}) | ({_GO_ON} if _END in inside else set())
        if kind == "goto":
            return self.outcomes(content["target"])
        return {_VERDICTS[kind]}

    def _of_map(self, content: Item) -> set[str]:
        value = self._value(content["key"])
        entries = content["data"].get("set") if isinstance(content["data"], dict) else None
        if entries is None:
            return {_ACCEPT, _DROP, _GO_ON}
        can_be = set()
        for key, verdict in entries:
            holds = None if value is None else _contains(key, value)
            if holds is not False:
                ((kind, inner),) = verdict.items()
                can_be |= self._of_verdict(kind, inner) if kind != "continue" else {_GO_ON}
            if holds:
                return can_be
        return can_be | {_GO_ON}

    def _holds(self, operator: str, left: Any, right: Any) -> bool | None:
        if self._is_of_another_protocol(left):
            return False
        value = self._value(left)
        if value is None or operator not in {"==", "!=", "in"}:
            return None
        inside = _contains(right, value)
        return inside if inside is None or operator != "!=" else not inside

    def _is_of_another_protocol(self, left: Any) -> bool:
        """Tell whether a header is asked for that a TCP packet of this family does not have."""
        payload = left.get("payload", {}) if isinstance(left, dict) else {}
        others = {"udp", "icmp", "icmpv6", "sctp", "dccp", _NAMES[10 - self.version][1]}
        return payload.get("protocol") in others

    def _value(self, left: Any) -> str | int | None:
        """Return what a key is of this packet; None when that depends."""
        ((kind, content),) = left.items() if isinstance(left, dict) else (("", {}),)
        known: dict[tuple[str, str], str | int] = {
            ("tcp", "dport"): self.port,
            ("th", "dport"): self.port,
            ("ip", "protocol"): "tcp",
            ("ip6", "nexthdr"): "tcp",
            ("meta", "l4proto"): "tcp",
            ("meta", "iif"): self.interface,
            ("meta", "iifname"): self.interface,
            ("meta", "nfproto"): _NAMES[self.version][0],
            ("meta", "protocol"): _NAMES[self.version][1],
            ("ct", "state"): "new",
        }
        if kind == "payload":
            return known.get((str(content.get("protocol")), str(content.get("field"))))
        return known.get((kind, str(content.get("key")))) if isinstance(content, dict) else None


def _contains(right: Any, value: str | int) -> bool | None:
    """Tell whether a value is among what a match names; None when that cannot be told."""
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    if isinstance(right, list):
        answers = [_contains(part, value) for part in right]
        return True if True in answers else None if None in answers else False
    if isinstance(right, dict) and "range" in right:
        low, high = right["range"]
        numbers = all(isinstance(number, int) for number in (low, value, high))
        return low <= value <= high if numbers else None
    if isinstance(right, dict) or (isinstance(right, str) and (right[:1] == "@" or "*" in right)):
        return None
    return bool(right == value)


def _table_of(item: Item) -> tuple[str, str]:
    ((kind, content),) = item.items()
    name = content.get("name") if kind == "table" else content.get("table")
    return str(content.get("family")), str(name)
