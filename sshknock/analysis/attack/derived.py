"""The derivation in use (docs/protocol.md), but with a secret that is nothing but the clock.

Nobody should do that. It is here to show what protects: the 256 bits, not the HMAC over them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from sshknock.analysis.attack.search import Filter
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose, Sequence
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import SECRET_BYTES, Secret


def sequences(secret: Secret, parameters: Parameters) -> Iterator[Sequence]:
    """Yield the open sequences of a secret from counter 0 on."""
    return (derive(secret, Purpose.OPEN, counter, parameters) for counter in count())


@dataclass(frozen=True, slots=True)
class SecretFromClock:
    """A pairing whose 32 bytes of secret are the time as a number."""

    parameters: Parameters = field(default_factory=Parameters)

    def lines(self, seed: int) -> Iterator[Sequence]:
        """Yield the sequences of a seed, line after line."""
        return sequences(Secret(seed.to_bytes(SECRET_BYTES, "big")), self.parameters)

    def filter(self, train: Sequence, lines: int) -> Filter:  # noqa: ARG002  one signature for all
        """Keep all seeds: there are few, and there is no quicker way."""
        return lambda seeds: np.arange(seeds.size)
