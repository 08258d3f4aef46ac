"""Properties of every sequence, whatever the secret, the counter and the parameters."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given

from sshknock.errors import BadInput
from sshknock.protocol.bits import PROTOCOL_SOURCES
from sshknock.protocol.derivation import derive
from sshknock.protocol.draws import PORT_SOURCES, uniform
from sshknock.protocol.knocks import Knock, Purpose, Transport, is_weak
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from tests.protocol import strategies

SECRET = Secret(bytes(range(32)))


@given(strategies.secrets, strategies.counters, strategies.parameters())
def test_no_sequence_is_weak_and_ranges_and_exclusions_are_kept(
    secret: Secret, counter: int, parameters: Parameters
) -> None:
    """A sequence has no port twice, both protocols, no sweep's order, and only allowed ports."""
    for purpose in Purpose:
        sequence = derive(secret, purpose, counter, parameters)
        ports = [knock.port for knock in sequence]
        assert not is_weak(sequence)
        assert parameters.knocks_min <= len(sequence) <= parameters.knocks_max
        assert all(parameters.port_min <= port <= parameters.port_max for port in ports)
        assert not parameters.exclude & set(ports)


@given(strategies.secrets, strategies.counters, strategies.parameters())
def test_client_and_server_agree_when_parameters_travel_in_a_token(
    secret: Secret, counter: int, parameters: Parameters
) -> None:
    """Parameters that went through their written form derive the same sequences."""
    copy = Parameters.from_dict(parameters.to_dict())
    assert copy == parameters
    for purpose in Purpose:
        there = derive(Secret.from_hex(secret.hex()), purpose, counter, copy)
        assert there == derive(secret, purpose, counter, parameters)


@pytest.mark.parametrize("name", sorted(PORT_SOURCES))
def test_ports_are_drawn_evenly(name: str) -> None:
    """Every tenth of the paper's range gets its share of 20,000 ports, within five sigmas."""
    draws = PORT_SOURCES[name](b"k" * 32)
    counts = Counter((uniform(draws, 3000, 65000) - 3000) * 10 // 62001 for _ in range(20_000))
    assert set(counts) == set(range(10))
    assert all(abs(count - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5 for count in counts.values())


@pytest.mark.parametrize("name", sorted(PROTOCOL_SOURCES.keys() - {"chua"}))
def test_half_of_the_knocks_are_udp(name: str) -> None:
    """The paper's claim of about 50 %, over 100,000 bits of several keys (Chua's: test_chua)."""
    bits = Parameters().bits
    share = sum(
        sum(islice(PROTOCOL_SOURCES[name](bytes([k]) * 32, bits), 10_000)) for k in range(10)
    )
    assert 0.49 < share / 100_000 < 0.51


@pytest.mark.parametrize(
    ("values", "weak"),
    [
        ("5:tcp 9:udp 7:tcp", False),
        ("5:tcp 7:udp 9:tcp", True),
        ("9:tcp 7:udp 5:tcp", True),
        ("5:tcp 9:tcp 7:tcp", True),
        ("5:udp 9:udp 7:udp", True),
        ("5:tcp 9:udp 5:udp", True),
    ],
)
def test_a_sequence_that_a_sweep_would_play_is_weak(values: str, weak: bool) -> None:
    """Weak are a repeated port, a single protocol, and ascending or descending ports."""
    pairs = (text.split(":") for text in values.split())
    sequence = tuple(Knock(int(port), Transport(transport)) for port, transport in pairs)
    assert is_weak(sequence) is weak


def test_a_refusal_of_bits_names_what_works_for_henon() -> None:
    """The hint is about the map's coefficients, and the other sources have none to be refused."""
    with pytest.raises(BadInput, match="constant") as refusal:
        Parameters(threshold=2.0).check()
    assert "a = 1.4" in (refusal.value.hint or "")
    for source in ("chua", "hmac"):
        Parameters(threshold=2.0, protocol_source=source).check()


@pytest.mark.parametrize(
    "values",
    [
        {"henon_a": 1.0},
        {"henon_a": 1.5},
        {"henon_b": 0.5},
        {"threshold": 2.0},
        {"threshold": -2.0},
        {"threshold": 0.9},
        {"henon_a": float("nan")},
        {"henon_a": 10**400},
        {"henon_a": "1.4"},
        {"port_min": 5000, "port_max": 5010},
        {"port_min": 5000, "port_max": 5020, "exclude": list(range(5000, 5021))},
        {"port_min": 6000, "port_max": 5000},
        {"port_min": 0},
        {"port_max": 65536},
        {"port_min": True},
        {"knocks_min": 2},
        {"knocks_max": 9},
        {"knocks_min": 6, "knocks_max": 5},
        {"window": 3},
        {"window": 33},
        {"port_source": "md5"},
        {"protocol_source": "coin"},
        {"exclude": "80"},
        {"exclude": [80.5]},
        {"surprise": 1},
    ],
    ids=str,
)
def test_parameters_that_cannot_work_are_refused(values: dict[str, object]) -> None:
    """An escaping or lopsided orbit, too few ports, and anything out of bounds or of wrong type."""
    assert strategies.is_refused(**values)


def test_an_orbit_that_never_changes_ends_in_an_error() -> None:
    """Without the trial, a thousand weak drawings end the derivation: it never hangs."""
    parameters = Parameters(threshold=2.0)
    with pytest.raises(BadInput, match="weak"):
        derive(SECRET, Purpose.OPEN, 0, parameters)


def test_an_orbit_that_escapes_ends_in_an_error() -> None:
    """Without the trial, an escaping orbit is noticed by the derivation."""
    with pytest.raises(BadInput, match="escapes"):
        derive(SECRET, Purpose.OPEN, 0, Parameters(henon_a=1.5))


def test_counters_of_any_size_derive_and_negative_ones_do_not() -> None:
    """Derivation takes any n >= 0."""
    assert derive(SECRET, Purpose.OPEN, 10**40, Parameters())
    with pytest.raises(BadInput):
        derive(SECRET, Purpose.OPEN, -1, Parameters())
