"""From a secret, a purpose and a counter to the one sequence that they stand for.

Each stream (the length, the ports, the protocols) has a key of its own by HKDF-Expand (RFC 5869),
so the two generators of the paper are independent of each other.
"""

from __future__ import annotations

import hmac
from itertools import islice

from sshknock.errors import BadInput
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.draws import PORT_SOURCES, Draws, hmac_draws, uniform
from sshknock.protocol.knocks import Knock, Purpose, Sequence, Transport, is_weak
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

DRAWINGS_AT_MOST = 1000


def derive(secret: Secret, purpose: Purpose, counter: int, parameters: Parameters) -> Sequence:
    """Return the sequence of a counter; the same on both sides, for ever.

    Raises BadInput for a negative counter, for an orbit that escapes, and when a thousand drawings
    in a row were weak.
    """
    if counter < 0:
        raise BadInput(f"the counter is {counter}, below 0")

    def key(stream: str) -> bytes:
        return expand(secret.value, f"sshknock/v1/{purpose.value}/{stream}/{counter}")

    length = uniform(hmac_draws(key("length")), parameters.knocks_min, parameters.knocks_max)
    ports = PORT_SOURCES[parameters.port_source](key("ports"))
    bits = PROTOCOL_SOURCES[parameters.protocol_source](key("protocols"), parameters.bits)
    for _ in range(DRAWINGS_AT_MOST):
        drawn_ports = [_draw_port(ports, parameters) for _ in range(length)]
        drawn_bits = list(islice(bits, length))
        sequence = tuple(
            Knock(port, Transport.UDP if bit else Transport.TCP)
            for port, bit in zip(drawn_ports, drawn_bits, strict=True)
        )
        if not is_weak(sequence):
            return sequence
    raise BadInput(
        f"{DRAWINGS_AT_MOST} sequences in a row were weak",
        "the protocol bits of these parameters do not change",
    )


def expand(key: bytes, label: str) -> bytes:
    """HKDF-Expand of RFC 5869, section 2.3, for one block of output."""
    return hmac.digest(key, label.encode("ascii") + b"\x01", "sha256")


def _draw_port(draws: Draws, parameters: Parameters) -> int:
    while True:
        port = uniform(draws, parameters.port_min, parameters.port_max)
        if port not in parameters.exclude:
            return port
