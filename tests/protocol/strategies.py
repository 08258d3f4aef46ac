"""Hypothesis strategies for the core."""

from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

secrets = st.binary(min_size=32, max_size=32).map(Secret)
counters = st.integers(0, 2**63)


@st.composite
def parameters(draw: st.DrawFn) -> Parameters:
    """Parameters that can work, the narrow ones included."""
    knocks_min = draw(st.integers(3, 8))
    knocks_max = draw(st.integers(knocks_min, 8))
    excluded = draw(st.integers(0, 10))
    room = 2 * knocks_max + excluded
    port_min = draw(st.integers(1, 65535 - room))
    port_max = draw(st.integers(port_min + room - 1, 65535))
    exclude = draw(st.sets(st.integers(port_min, port_max), max_size=excluded))
    return Parameters(
        port_min=port_min,
        port_max=port_max,
        knocks_min=knocks_min,
        knocks_max=knocks_max,
        port_source=draw(st.sampled_from(["hmac", "mt19937"])),
        protocol_source=draw(st.sampled_from(["hmac", "henon", "chua"])),
        exclude=frozenset(exclude),
        window=draw(st.integers(4, 32)),
    )


def is_refused(**values: object) -> bool:
    """Tell whether parameters are refused, at once or when they are tried."""
    try:
        Parameters.from_dict(values).check()
    except BadInput:
        return True
    return False
