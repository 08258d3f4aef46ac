"""The paper's scheme (section II), which everybody may know: from a seed to the lines of a file.

Ports and lengths come of Python's generator, protocols of Hénon's map from (0, 0): each step is a
bit, and none is thrown away.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from sshknock.analysis.attack.search import Filter, port_filter
from sshknock.protocol import henon
from sshknock.protocol.draws import uniform
from sshknock.protocol.knocks import Knock, Sequence, Transport
from sshknock.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class PaperScheme:
    """All of the scheme but the seed; of the parameters, sources and window are not looked at."""

    parameters: Parameters = field(default_factory=lambda: Parameters(knocks_min=3))

    def filter(self, train: Sequence, lines: int) -> Filter:
        """Return a quick look at which seeds could have the train on their first lines."""
        a_line = 1 + self.parameters.knocks_max  # its length and its ports
        return port_filter(train[0].port, self.parameters, (lines - 1) * a_line + 1)

    def lines(self, seed: int) -> Iterator[Sequence]:
        """Yield the sequences of a file, for ever."""
        shape = self.parameters
        twister = random.Random(seed)  # noqa: S311  what this is about
        draws = iter(lambda: twister.getrandbits(16), None)
        bits = self.protocols()
        while True:
            length = uniform(draws, shape.knocks_min, shape.knocks_max)
            drawn = iter(lambda: uniform(draws, shape.port_min, shape.port_max), None)
            ports = islice((port for port in drawn if port not in shape.exclude), length)
            yield tuple(map(Knock, ports, islice(bits, length)))

    def protocols(self) -> Iterator[Transport]:
        """Yield the protocols, the same for every seed: what an observer knows beforehand."""
        shape = self.parameters
        bits = henon.orbit_bits(
            (0.0, 0.0),
            a=shape.henon_a,
            b=shape.henon_b,
            threshold=shape.threshold,
            burn_in=0,
            steps=1,
        )
        return (Transport.UDP if bit else Transport.TCP for bit in bits)
