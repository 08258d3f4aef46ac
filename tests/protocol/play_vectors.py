"""Hold the derivation against all vectors; made to be run by any Python, without pytest.

python -ISB play_vectors.py
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from sshknock.protocol import chua  # noqa: E402  the path comes first
from sshknock.protocol.derivation import derive  # noqa: E402
from sshknock.protocol.knocks import Purpose  # noqa: E402
from sshknock.protocol.parameters import Parameters  # noqa: E402
from sshknock.protocol.secrets import Secret  # noqa: E402


def main() -> int:
    """Print how many vectors there are and how many do not hold; return 1 if one does not."""
    sequences = json.loads((HERE / "sequence-vectors.json").read_text())
    orbits = json.loads((HERE / "chua-vectors.json").read_text())
    wrong = [vector for vector in sequences if derived(vector) != vector["sequence"]]
    wrong += [vector for vector in orbits if bits(vector) != vector["bits"]]
    print(f"{len(sequences) + len(orbits)} vectors, {len(wrong)} do not hold")
    return 1 if wrong else 0


def derived(vector: dict[str, Any]) -> list[list[object]]:
    """Return the sequence of a vector, as vectors are written."""
    sequence = derive(
        Secret.from_hex(vector["secret"]),
        Purpose(vector["purpose"]),
        vector["counter"],
        Parameters.from_dict(vector["parameters"]),
    )
    return [[knock.port, knock.transport.value] for knock in sequence]


def bits(vector: dict[str, Any]) -> str:
    """Return as many bits of Chua's circuit as a vector has."""
    orbit = chua.orbit_bits(chua.start(bytes.fromhex(vector["key"])))
    return "".join(map(str, islice(orbit, len(vector["bits"]))))


if __name__ == "__main__":
    sys.exit(main())
