"""The derivation against vectors of an independent implementation."""

import json
from pathlib import Path
from typing import Any

import pytest

from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "sequence-vectors.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['purpose']}-{v['counter']}")
def test_a_sequence_is_what_the_independent_implementation_derives(vector: dict[str, Any]) -> None:
    """Every vector holds to the letter."""
    sequence = derive(
        Secret.from_hex(vector["secret"]),
        Purpose(vector["purpose"]),
        vector["counter"],
        Parameters.from_dict(vector["parameters"]),
    )
    assert [[k.port, k.transport.value] for k in sequence] == vector["sequence"]
