"""Sequences as arrays: the same as one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sshknock.analysis.measures import batches
from sshknock.protocol.knocks import Knock, Sequence, Transport, is_weak

# Few ports, so that weak sequences are frequent.
knocks = st.builds(Knock, st.integers(1, 6), st.sampled_from(Transport))
sequences = st.lists(st.lists(knocks, min_size=1, max_size=6).map(tuple), min_size=1, max_size=30)


@given(sequences)
def test_weak_sequences_are_those_of_the_derivation(found: list[Sequence]) -> None:
    """As ``is_weak`` says of each, whatever lengths are mixed."""
    held = batches.of_sequences(found)
    assert sum(map(len, held)) == len(found)
    counted = sum(int(batches.weak(batch).sum()) for batch in held)
    assert counted == sum(map(is_weak, found))


@given(sequences, st.permutations(range(14)))
def test_a_sweep_plays_the_sequences_that_it_has_in_it(
    found: list[Sequence], order: list[int]
) -> None:
    """Knock by knock through the sweep, as a knockd that watches for nothing else would do."""
    places = np.array(order).reshape(7, 2)
    sweep = sorted(np.ndindex(7, 2), key=lambda knock: places[knock])
    played = sum(int(batches.played(b, places).sum()) for b in batches.of_sequences(found))
    assert played == sum(_plays(sweep, sequence) for sequence in found)


def _plays(sweep: list[tuple[int, ...]], sequence: Sequence) -> bool:
    sent = iter(sweep)
    return all((knock.port, int(knock.transport is Transport.UDP)) in sent for knock in sequence)


def test_what_a_sweep_does_not_send_plays_nothing() -> None:
    """A place below 0 is a knock that it leaves out."""
    batch = batches.Batch(np.array([[1, 2]]), np.array([[0, 0]], dtype=np.uint8))
    tcp_alone = np.array([[0, -1], [1, -1], [2, -1]])
    udp_alone = np.array([[-1, 0], [-1, 1], [-1, 2]])
    assert batches.played(batch, tcp_alone).tolist() == [True]
    assert batches.played(batch, udp_alone).tolist() == [False]


@given(st.integers(0, 2**32), st.integers(1, 60000), st.integers(12, 5000), st.integers(3, 5))
def test_streams_are_cut_into_sequences_of_the_range(
    seed: int, low: int, span: int, shortest: int
) -> None:
    """Ports of the range, as many sequences of each length, each number and each bit once."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 65536, 500).astype(np.uint16)
    bits = rng.integers(0, 2, 500).astype(np.uint8)
    cut = batches.of_streams(numbers, bits, (low, low + span), (shortest, shortest + 2))
    assert [batch.length for batch in cut] == [shortest, shortest + 1, shortest + 2]
    assert len({len(batch) for batch in cut}) == 1
    assert all(low <= batch.ports.min() <= batch.ports.max() <= low + span for batch in cut)
    used = np.concatenate([batch.bits.ravel() for batch in cut])
    assert (used == bits[: len(used)]).all()
    assert 500 * 0.5 < len(used) <= 500
