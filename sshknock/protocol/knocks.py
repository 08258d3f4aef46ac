"""A knock, a sequence of knocks, and what a sequence is for."""

from __future__ import annotations

from enum import Enum

from sshknock.errors import BadInput
from sshknock.records import record

PORT_LOWEST = 1
PORT_HIGHEST = 65535


class Transport(Enum):
    """The protocol of a knock. A TCP knock is a bare SYN."""

    TCP = "tcp"
    UDP = "udp"


class Purpose(Enum):
    """What a sequence does on the server; the value is part of the derivation's labels."""

    OPEN = "open"
    CLOSE = "close"


@record
class Knock:
    """One packet to a port, written ``11045:tcp`` as in the paper's figure 1."""

    port: int
    transport: Transport

    def __post_init__(self) -> None:
        if not PORT_LOWEST <= self.port <= PORT_HIGHEST:
            raise BadInput(f"a knock's port is {self.port}, not in 1..65535")

    def __str__(self) -> str:
        return f"{self.port}:{self.transport.value}"


Sequence = tuple[Knock, ...]


def format_sequence(sequence: Sequence) -> str:
    """Write a sequence as the paper and knockd do: ``11045:tcp,61405:udp``."""
    return ",".join(map(str, sequence))


def is_weak(sequence: Sequence) -> bool:
    """Tell whether a sweep of the ports could play this sequence by itself.

    Weak are a port that occurs twice, one protocol only, and ports strictly ascending or
    descending: a plain sweep of all ports would play such a sequence.
    """
    ports = [knock.port for knock in sequence]
    if len(set(ports)) < len(ports):
        return True
    if len({knock.transport for knock in sequence}) == 1:
        return True
    ordered = sorted(ports)
    return ports in (ordered, ordered[::-1])
