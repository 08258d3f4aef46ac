"""Combining two streams, numbers for the ports and bits for the protocols, into sequences.

The third script of the paper (section II.C, figure 6). The streams run on from one sequence to the
next; ``protocol.derivation`` begins new ones for each. Made for a million sequences in seconds: a
sequence here is its ports and its bits, without a record for each knock.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sshknock.analysis.generators.bits import BITS
from sshknock.analysis.generators.numbers import NUMBERS
from sshknock.errors import BadInput
from sshknock.protocol import chua, henon
from sshknock.protocol.bits import Bits
from sshknock.protocol.derivation import DRAWINGS_AT_MOST, expand
from sshknock.protocol.draws import Draws, mt19937_draws
from sshknock.protocol.parameters import Parameters
from sshknock.records import record

Drawn = tuple[list[int], list[int]]
"""A sequence: its ports, and as many bits, 1 for udp."""

_NUMBER_BYTES = 32
PAPER_START = (0.0, 0.0)
"""Where the paper begins its orbits of Hénon's map (section II.B, equation 3)."""


@record
class Recipe:
    """All that decides which sequences a seed gives.

    Of ``parameters`` the ranges, the exclusions and Hénon's coefficients are read. ``start`` and
    ``steps`` are an orbit's: where it begins instead of where the key says (Hénon's only; nothing
    is thrown away then), and how many steps lie between two bits instead of the derivation's.
    """

    parameters: Parameters
    port_source: str = "hmac"
    protocol_source: str = "henon"
    start: henon.Point | None = None
    steps: int | None = None
    keep_weak: bool = False


def sequences(recipe: Recipe, seed: bytes | int) -> Iterator[Drawn]:
    """Yield the sequences of a seed, for ever.

    Bytes are a key: lengths, ports and protocols have streams of their own, whose keys are
    HKDF-Expand's of it, and know nothing of each other. A number is the paper's way: where the
    Mersenne Twister draws the ports, it is that generator's seed, and lengths come of it too, in
    turn with the ports.

    Raises BadInput when an orbit escapes, and when a thousand drawings in a row are weak;
    SystemFault when a device cannot be read.
    """
    key = seed if isinstance(seed, bytes) else seed.to_bytes(_NUMBER_BYTES, "big")
    if isinstance(seed, int) and recipe.port_source == "mt19937":
        lengths = numbers = mt19937_draws(key)
    else:
        lengths = NUMBERS["hmac"](stream_key(key, "length"))
        numbers = NUMBERS[recipe.port_source](stream_key(key, "ports"))
    shape = recipe.parameters
    return combine(
        uniforms(lengths, shape.knocks_min, shape.knocks_max),
        ports_of(numbers, shape),
        _bits(recipe, stream_key(key, "protocols")),
        keep_weak=recipe.keep_weak,
    )


def combine(
    lengths: Iterator[int], ports: Iterator[int], bits: Bits, *, keep_weak: bool = False
) -> Iterator[Drawn]:
    """Yield sequences: as many ports and bits as the next length says.

    A weak one (``protocol.knocks.is_weak``) is drawn again, at the same length.
    """
    for length in lengths:
        for _ in range(DRAWINGS_AT_MOST):
            drawn_ports = list(islice(ports, length))
            drawn_bits = list(islice(bits, length))
            if keep_weak or not _is_weak(drawn_ports, drawn_bits):
                yield drawn_ports, drawn_bits
                break
        else:
            raise BadInput(
                f"{DRAWINGS_AT_MOST} sequences in a row were weak",
                "the protocol bits of these parameters do not change; --keep-weak takes them",
            )


def uniforms(draws: Draws, low: int, high: int) -> Iterator[int]:
    """Yield numbers of ``low..high``, those of ``protocol.draws.uniform`` again and again."""
    span = high - low + 1
    fair = (1 << 16) - (1 << 16) % span
    return (low + draw % span for draw in draws if draw < fair)


def ports_of(numbers: Draws, shape: Parameters) -> Iterator[int]:
    """Return the ports that draws stand for: those of the range that are not excluded."""
    ports = uniforms(numbers, shape.port_min, shape.port_max)
    return (port for port in ports if port not in shape.exclude) if shape.exclude else ports


def _bits(recipe: Recipe, key: bytes) -> Bits:
    parameters = recipe.parameters.bits
    if recipe.protocol_source == "henon":
        return henon.orbit_bits(
            recipe.start or henon.start(key),
            a=parameters.henon_a,
            b=parameters.henon_b,
            threshold=parameters.threshold,
            burn_in=henon.BURN_IN_STEPS if recipe.start is None else 0,
            steps=recipe.steps or henon.STEPS_A_BIT,
        )
    if recipe.protocol_source == "chua":
        return chua.orbit_bits(chua.start(key), steps=recipe.steps or chua.STEPS_A_BIT)
    return BITS[recipe.protocol_source](key, parameters)


def _is_weak(ports: list[int], bits: list[int]) -> bool:
    if 0 not in bits or 1 not in bits or len(set(ports)) < len(ports):
        return True
    if (ports[0] < ports[1]) is not (ports[1] < ports[2]):
        return False  # two of three end here, for less than sorting takes
    ordered = sorted(ports)
    return ports in (ordered, ordered[::-1])


def stream_key(key: bytes, stream: str) -> bytes:
    """Return the key of one of a seed's three streams."""
    return expand(key, f"sshknock/v1/generate/{stream}")
