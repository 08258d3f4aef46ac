"""The table in the kernel: read it, change it in one transaction, take it away."""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sshknock.errors import SystemFault
from sshknock.protocol.addresses import Address, parse_address
from sshknock.server.firewall.table import TABLE
from sshknock.server.networks import Range, parse_network
from sshknock.system.processes import Completed, program, run

_TRANSPORTS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}


class Refused(SystemFault):
    """The kernel did not carry out a transaction: often because a door was used meanwhile."""


@dataclass(frozen=True, slots=True)
class Used:
    """A ticket that was taken, and the address that took it, or that came too late for it."""

    ticket: int
    address: Address


@dataclass(frozen=True, slots=True)
class TableState:
    """What the table holds now.

    ``hidden`` are ports and the seconds for which they are hidden yet (None: for good), ``guests``
    and ``admitted`` addresses and the seconds they are let in yet, ``connections`` those that used
    a single admission up, by address and port. ``last`` and ``tripwires`` are elements as they are
    written for nft, ``rules`` is the number of rules in force: none while the table is dormant.
    ``late`` are those who played a door's sequence and did not get it, ``turned_away`` is how many
    packets of strangers were refused.
    """

    generation: int | None
    rules: int
    tickets: frozenset[int]
    used: tuple[Used, ...]
    hidden: Mapping[int, int | None]
    last: frozenset[str]
    tripwires: frozenset[str]
    admitted: Mapping[Address, int]
    connections: Mapping[tuple[Address, int], int]
    always: frozenset[Range]
    guests: Mapping[Address, int]
    late: tuple[Used, ...] = ()
    turned_away: int = 0


def read() -> TableState | None:
    """Return the table's state, None when there is no table; raise SystemFault.

    Only the kernel's list of all tables tells that there is none: a table that was lost is made
    anew, with all that was in it void. An nft that fails for whatever reason is no evidence.
    Somebody may have put the table to sleep. Where nft then cannot tell what is in it, it is woken.
    """
    done = _list()
    if done.returncode:
        # As text: nft 1.0.6 writes JSON that is none where a table belongs to a process.
        tables = _nft("list", "tables")
        if not tables.returncode and f"table {TABLE}" not in tables.stdout.splitlines():
            return None
        raise SystemFault(f"nft cannot list the table: {_first_line(done.stderr)}")
    try:
        return _parse(_load(done.stdout))
    except (ValueError, KeyError, TypeError) as error:
        raise SystemFault(f"the table {TABLE} is not one of ours: {error}") from error


def apply(statements: str, *, lock: int | None = None) -> None:
    """Carry out statements in one transaction, all or none; raise Refused when the kernel won't.

    ``lock`` is the descriptor of the lock that the caller holds. nft inherits it: when the caller
    is killed, an nft that is still at work has the lock, and nobody plans on what it may change.
    """
    done = run(
        [str(program("nft", "nftables")), "-f", "-"],
        stdin=statements,
        timeout_s=60,
        pass_fds=() if lock is None else (lock,),
    )
    if done.returncode:
        raise Refused(f"nft refused the change: {_first_line(done.stderr)}")


def take_away() -> None:
    """Delete the table: every port is as other tables have it."""
    apply(f"table {TABLE}\ndelete table {TABLE}\n")


def _list() -> Completed:
    # Numbers as numbers: marks can have names (/etc/iproute2/rt_marks).
    return _nft("-n", "-j", "list", "table", *TABLE.split())


def _load(listing: str) -> dict[str, Any]:
    """Return what nft lists; wake a table that it cannot. Raises ValueError, Refused."""
    try:
        listed: dict[str, Any] = json.loads(listing)
    except ValueError:
        if not _is_dormant():
            raise
        # Without a generation it is nobody's, and is made anew; what was used is marked in it yet.
        apply(f"add table {TABLE}\nflush set {TABLE} generation\n")
        listed = json.loads(_list().stdout)
    return listed


def _is_dormant() -> bool:
    """Tell whether the table sleeps, as text.

    In JSON nft 1.0.6 takes the flag's name from beyond its list of names: any bytes, and where
    these are no text the listing ends there.
    """
    lines = _nft("-t", "list", "table", *TABLE.split()).stdout.splitlines()
    return any(line.split() == ["flags", "dormant"] for line in lines)


def _nft(*arguments: str) -> Completed:
    return run([str(program("nft", "nftables")), *arguments], timeout_s=60)


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0]


def _parse(listing: dict[str, Any]) -> TableState:
    elements: dict[str, list[Any]] = defaultdict(list)  # an older version had fewer sets
    left: dict[str, dict[Any, int]] = defaultdict(dict)
    rules = turned_away = 0
    dormant = False
    for item in listing["nftables"]:
        rules += "rule" in item
        if "table" in item:
            # The one flag that stops the rules; nft 1.0.6 misspells its name in JSON.
            dormant = bool(item["table"].get("flags"))
        elif "counter" in item:
            turned_away = int(item["counter"]["packets"])
        elif "set" in item:
            values = item["set"].get("elem", [])
            elements[item["set"]["name"]] = [_value(value) for value in values]
            left[item["set"]["name"]] = dict(_expiring(values))
    used, late = (
        tuple(
            Used(int(ticket), parse_address(address))
            for n in ("4", "6")
            for ticket, address in elements[f"{name}{n}"]
        )
        for name in ("used", "late")
    )
    generations = elements["generation"]
    return TableState(
        generation=int(generations[0]) if len(generations) == 1 else None,
        rules=0 if dormant else rules,
        tickets=frozenset(int(ticket) for ticket in elements["tickets"]),
        used=used,
        hidden={int(port): left["hidden"].get(port) for port in elements["hidden"]},
        last=_knocks(elements["last"]),
        tripwires=_knocks(elements["tripwires"]),
        admitted={
            parse_address(address): left[name].get(address, 0)
            for name in ("open4", "open6")
            for address in elements[name]
        },
        connections={
            (parse_address(address), int(port)): seconds
            for name in ("conn4", "conn6")
            for (address, port), seconds in left[name].items()
        },
        always=frozenset(
            _range(value) for name in ("always4", "always6") for value in elements[name]
        ),
        guests={
            parse_address(address): seconds
            for name in ("guests4", "guests6")
            for address, seconds in left[name].items()
        },
        late=late,
        turned_away=turned_away,
    )


def _knocks(elements: list[tuple[Any, int]]) -> frozenset[str]:
    return frozenset(f"{_TRANSPORTS.get(number, number)} . {port}" for number, port in elements)


def _expiring(values: list[Any]) -> Iterator[tuple[Any, int]]:
    """Yield the values that have a timeout, their own or their set's, and the seconds left."""
    for value in values:
        if isinstance(value, dict) and {"timeout", "expires"} & value.get("elem", {}).keys():
            yield _value(value), value["elem"].get("expires", 0)


def _range(value: Any) -> Range:
    """Return an element of a set of intervals: a range, a network or a single address."""
    if isinstance(value, dict) and "range" in value:
        first, last = map(parse_address, value["range"])
        return first, last
    if isinstance(value, dict):
        value = f"{value['prefix']['addr']}/{value['prefix']['len']}"
    network = parse_network(value)
    return network.network_address, network.broadcast_address


def _value(element: Any) -> Any:
    """Return an element's value: plain, with a timeout, or joined of several."""
    if isinstance(element, dict) and "elem" in element:
        element = element["elem"]["val"]
    if isinstance(element, dict) and "concat" in element:
        return tuple(element["concat"])
    return element
