"""The parameters of a pairing's sequences, and the refusal of those that cannot work."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from itertools import islice
from typing import Any

from sshknock.errors import BadInput
from sshknock.protocol.bits import PROTOCOL_SOURCES, BitParameters
from sshknock.protocol.draws import PORT_SOURCES
from sshknock.protocol.knocks import PORT_HIGHEST, PORT_LOWEST
from sshknock.records import as_dict, names_of, record

KNOCKS_LOWEST = 3
KNOCKS_HIGHEST = 8
WINDOW_LOWEST = 4
WINDOW_HIGHEST = 32

_TRIAL_KEYS = 16
_TRIAL_BITS = 512
_BALANCED = (0.4, 0.6)


@record
class Parameters:
    """How sequences are drawn; both sides of a pairing hold the same.

    Ports and counts are inclusive bounds; ``exclude`` are ports never knocked; ``window`` is how
    many counters ahead the server accepts. The defaults are the paper's range and coefficients.
    Construction raises BadInput for what is plainly wrong; ``check`` makes the trial that costs
    time.
    """

    port_min: int = 3000
    port_max: int = 65000
    knocks_min: int = 4
    knocks_max: int = 6
    port_source: str = "hmac"
    protocol_source: str = "henon"
    henon_a: float = 1.4
    henon_b: float = 0.3
    threshold: float = 0.41085
    exclude: frozenset[int] = frozenset()
    window: int = 8

    def __post_init__(self) -> None:
        for name in ("port_min", "port_max", "knocks_min", "knocks_max", "window"):
            _require_int(name, getattr(self, name))
        for port in self.exclude:
            _require_int("exclude", port)
        _require_bounds("port", self.port_min, self.port_max, PORT_LOWEST, PORT_HIGHEST)
        _require_bounds("knocks", self.knocks_min, self.knocks_max, KNOCKS_LOWEST, KNOCKS_HIGHEST)
        if not WINDOW_LOWEST <= self.window <= WINDOW_HIGHEST:
            raise BadInput(f"the window is {self.window}, not in {WINDOW_LOWEST}..{WINDOW_HIGHEST}")
        _require_known("port source", self.port_source, PORT_SOURCES)
        _require_known("protocol source", self.protocol_source, PROTOCOL_SOURCES)
        for name in ("henon_a", "henon_b", "threshold"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, float | int):
                raise BadInput(f"{name} is no number")
            if not _is_finite(value):
                raise BadInput(f"{name} is not a finite number")
        if self.usable_ports < 2 * self.knocks_max:
            raise BadInput(
                f"only {self.usable_ports} ports can be used for sequences of up to"
                f" {self.knocks_max} knocks",
                f"at least {2 * self.knocks_max} are needed: widen --ports or exclude fewer",
            )

    @property
    def usable_ports(self) -> int:
        """How many ports of the range are not excluded."""
        excluded = sum(1 for port in self.exclude if self.port_min <= port <= self.port_max)
        return self.port_max - self.port_min + 1 - excluded

    @property
    def bits(self) -> BitParameters:
        """The part that the protocol source reads."""
        return BitParameters(float(self.henon_a), float(self.henon_b), float(self.threshold))

    def check(self) -> None:
        """Draw protocol bits on trial keys; raise BadInput when they cannot serve.

        Refused are an orbit that escapes, bits that are constant, and a share of udp outside
        0.4..0.6. The trial keys are fixed, so the answer is the same on every machine. Sources
        other than the Hénon map have nothing that could be set wrong.
        """
        if self.protocol_source != "henon":
            return
        source = PROTOCOL_SOURCES[self.protocol_source]
        ones = 0
        for i in range(_TRIAL_KEYS):
            key = hashlib.sha256(b"sshknock/trial/%d" % i).digest()
            drawn = sum(islice(source(key, self.bits), _TRIAL_BITS))
            if drawn in (0, _TRIAL_BITS):
                raise BadInput("the protocol bits are constant", _HENON_HINT)
            ones += drawn
        share = ones / (_TRIAL_KEYS * _TRIAL_BITS)
        if not _BALANCED[0] <= share <= _BALANCED[1]:
            raise BadInput(
                f"a share of {share:.2f} of the protocol bits is udp, not within 0.4..0.6",
                _HENON_HINT,
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what differs from the defaults, ready for JSON."""
        usual = as_dict(Parameters())
        changed = {name: value for name, value in as_dict(self).items() if value != usual[name]}
        if "exclude" in changed:
            changed["exclude"] = sorted(self.exclude)
        return changed

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Parameters:
        """Read what ``to_dict`` wrote; unknown names and wrong types raise BadInput."""
        for name in values:
            if name not in names_of(cls):
                raise BadInput(f"unknown parameter {name!r}")
        given = dict(values)
        for name in ("port_source", "protocol_source"):
            if name in given and not isinstance(given[name], str):
                raise BadInput(f"{name} is no text")
        if "exclude" in given:
            if not isinstance(given["exclude"], list):
                raise BadInput("exclude is no list of ports")
            for port in given["exclude"]:
                _require_int("exclude", port)
            given["exclude"] = frozenset(given["exclude"])
        return cls(**given)


_HENON_HINT = "a = 1.4, b = 0.3 and threshold = 0.41085 work; small changes may not"


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no double holds
        return False


def _require_int(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadInput(f"{name} is no whole number")


def _require_bounds(what: str, low: int, high: int, lowest: int, highest: int) -> None:
    if not lowest <= low <= high <= highest:
        raise BadInput(
            f"{what} range {low}-{high} is not within {lowest}-{highest}, lower bound first"
        )


def _require_known(what: str, value: str, known: Mapping[str, object]) -> None:
    if value not in known:
        raise BadInput(f"unknown {what} {value!r}", f"there are: {', '.join(sorted(known))}")
