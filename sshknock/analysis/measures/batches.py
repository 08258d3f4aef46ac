"""Many sequences as arrays: one batch for each length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sshknock.protocol.knocks import Sequence, Transport

Ports = NDArray[np.int64]
Bits = NDArray[np.uint8]
_DRAW_VALUES = 1 << 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences of one length: a row each, 1 for udp."""

    ports: Ports
    bits: Bits

    def __len__(self) -> int:
        return len(self.ports)

    @property
    def length(self) -> int:
        """The knocks of each sequence."""
        return int(self.ports.shape[1])

    def where(self, chosen: NDArray[np.bool_]) -> Batch:
        """Return the sequences of which this is true."""
        return Batch(self.ports[chosen], self.bits[chosen])


def of_sequences(sequences: Iterable[Sequence]) -> list[Batch]:
    """Return sequences by their lengths, shortest first."""
    by_length: dict[int, list[Sequence]] = {}
    for sequence in sequences:
        by_length.setdefault(len(sequence), []).append(sequence)
    return [
        Batch(
            np.array([[knock.port for knock in one] for one in same], dtype=np.int64),
            np.array(
                [[knock.transport is Transport.UDP for knock in one] for one in same], np.uint8
            ),
        )
        for _, same in sorted(by_length.items())
    ]


def of_streams(
    numbers: NDArray[np.uint16],
    bits: Bits,
    ports: tuple[int, int],
    lengths: tuple[int, int],
    exclude: frozenset[int] = frozenset(),
) -> list[Batch]:
    """Cut two streams into sequences, weak ones too, as many of each length.

    ``ports`` and ``lengths`` are inclusive bounds. A number becomes a port as a draw does in the
    derivation: those past the last whole span are left out, and so are ports of ``exclude``.
    """
    low, high = ports
    span = high - low + 1
    fair = numbers[numbers < _DRAW_VALUES - _DRAW_VALUES % span]
    drawn = low + fair.astype(np.int64) % span
    drawn = drawn[~np.isin(drawn, list(exclude))]
    shortest, longest = lengths
    each = min(len(drawn), len(bits)) // sum(range(shortest, longest + 1))
    found, at = [], 0
    for length in range(shortest, longest + 1):
        end = at + each * length
        found.append(Batch(drawn[at:end].reshape(-1, length), bits[at:end].reshape(-1, length)))
        at = end
    return found


def weak(batch: Batch) -> NDArray[np.bool_]:
    """Tell which sequences are weak, as ``protocol.knocks.is_weak`` does for one."""
    udp = batch.bits.sum(axis=1)
    one_protocol = (udp == 0) | (udp == batch.length)
    return np.asarray(repeats(batch) | monotone(batch) | one_protocol)


def repeats(batch: Batch) -> NDArray[np.bool_]:
    """Tell which sequences have a port twice."""
    ordered = np.sort(batch.ports, axis=1)
    return np.asarray((np.diff(ordered, axis=1) == 0).any(axis=1))


def monotone(batch: Batch) -> NDArray[np.bool_]:
    """Tell in which sequences the ports rise, or fall, from the first to the last."""
    steps = np.diff(batch.ports, axis=1)
    return np.asarray((steps > 0).all(axis=1) | (steps < 0).all(axis=1))


def played(batch: Batch, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which sequences a sweep plays that sends each knock once.

    ``order[port, protocol]`` is the place of a knock in the sweep, below 0 where it is not sent.
    What the sweep sends in between does not matter: a knockd that watches for nothing else does
    not see it.
    """
    places = order[batch.ports, batch.bits]
    return np.asarray((places >= 0).all(axis=1) & (np.diff(places, axis=1) > 0).all(axis=1))
