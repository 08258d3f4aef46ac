"""Tripwires: many, secret, and never in an honest client's way."""

from hypothesis import given, settings

from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.server.firewall import tripwires
from tests.protocol import strategies

SEED = bytes(32)


@settings(max_examples=50)
@given(strategies.secrets, strategies.parameters())
def test_no_door_s_knock_is_a_tripwire(secret: Secret, parameters: Parameters) -> None:
    """Nor is a port in use, and all lie in the range."""
    knocks = {k for n in range(4) for k in derive(secret, Purpose.OPEN, n, parameters)}
    used = {parameters.port_min, parameters.port_max}
    ranges = [(parameters.port_min, parameters.port_max)]
    wires = tripwires.choose(SEED, ranges, knocks=knocks, used=used)
    assert not wires & knocks
    assert not {wire.port for wire in wires} & used
    assert all(parameters.port_min <= wire.port <= parameters.port_max for wire in wires)


def test_the_default_range_has_some_five_hundred_and_a_narrow_one_a_quarter() -> None:
    """A narrow range must leave room for the doors."""
    assert 500 <= len(tripwires.choose(SEED, [(3000, 65000)], knocks=(), used=set())) <= 512
    assert 0 < len(tripwires.choose(SEED, [(5000, 5015)], knocks=(), used=set())) <= 8


def test_they_are_the_same_for_a_seed_and_others_for_another() -> None:
    """Or every reconcile would change the table; and nobody can know them."""
    ranges = [(3000, 65000), (3000, 65000)]
    one = tripwires.choose(SEED, ranges, knocks=(), used=set())
    assert one == tripwires.choose(SEED, ranges[:1], knocks=(), used=set())
    assert len(one & tripwires.choose(b"x" * 32, ranges, knocks=(), used=set())) < 50
