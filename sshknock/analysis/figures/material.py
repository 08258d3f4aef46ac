"""What the figures are drawn from: numbers, bits and orbits, all from one seed."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sshknock.analysis import samples
from sshknock.analysis.distances import curve
from sshknock.analysis.figures.combining import Streams, knocks_of
from sshknock.analysis.generators.orbits import chua_orbit, henon_orbit
from sshknock.analysis.measures.counting import PAPER
from sshknock.analysis.report.model import Series
from sshknock.analysis.sequence_maker import (
    PAPER_START,
    Recipe,
    ports_of,
    sequences,
    stream_key,
    uniforms,
)
from sshknock.errors import BadInput
from sshknock.protocol import chua, henon
from sshknock.protocol.draws import hmac_draws, mt19937_draws
from sshknock.protocol.knocks import Sequence
from sshknock.protocol.parameters import Parameters
from sshknock.records import replace


@dataclass(frozen=True, slots=True)
class Material:
    """A seed and parameters, and what they give.

    ``many`` is how many bits the histograms of protocols are made of.
    """

    seed: bytes = bytes(32)
    parameters: Parameters = field(default_factory=Parameters)
    many: int = 1_000_000

    def key(self, stream: str) -> bytes:
        """Return the key of a stream: no two share one."""
        return hmac.digest(self.seed, f"sshknock/figures/{stream}".encode("ascii"), "sha256")

    def numbers(self, source: str, count: int) -> samples.Numbers:
        """Return numbers as ports are drawn from."""
        return samples.numbers(source, count, self.key("ports"))

    def bits(self, source: str) -> samples.Bits:
        """Return bits as protocols are drawn from."""
        return samples.bits(source, self.many, self.key("protocols"), self.parameters.bits)

    def henon(self, count: int) -> NDArray[np.float64]:
        """Return pairs of the orbit that the paper draws, a row each."""
        a, b = self.parameters.henon_a, self.parameters.henon_b
        return henon_orbit(PAPER_START, count, a=a, b=b)

    def chua(self, count: int) -> NDArray[np.float64]:
        """Return points of an orbit, a row each, from where it has come to the scrolls."""
        start = chua.start(self.key("protocols"))
        return chua_orbit(start, count, skip=chua.BURN_IN_STEPS)

    def examples(self, count: int) -> list[Sequence]:
        """Return the first sequences of the file that ``sshknock generate`` makes of the seed.

        Where the parameters give nothing but weak ones, those are returned: they can be looked at.
        Raises BadInput when the orbit escapes.
        """
        recipe = self._recipe()
        try:
            drawn = list(islice(sequences(recipe, self.seed), count))
        except BadInput:
            drawn = list(islice(sequences(replace(recipe, keep_weak=True), self.seed), count))
        return [knocks_of(ports, bits) for ports, bits in drawn]

    def streams(self, columns: int) -> Streams:
        """Return what the first of these sequences are made of, with at most so many knocks.

        What is weak takes its knocks of both streams all the same, and the length is kept.
        """
        parameters = self._recipe().parameters
        draws = mt19937_draws(stream_key(self.seed, "ports"))
        ports = tuple(islice(ports_of(draws, parameters), columns))
        x = henon_orbit(
            henon.start(stream_key(self.seed, "protocols")),
            columns * henon.STEPS_A_BIT,
            a=parameters.henon_a,
            b=parameters.henon_b,
            skip=henon.BURN_IN_STEPS,
        )[:, 0]
        whole = Streams(ports, x, parameters.threshold, ())
        return whole.cut(
            uniforms(
                hmac_draws(stream_key(self.seed, "length")),
                parameters.knocks_min,
                parameters.knocks_max,
            )
        )

    def _recipe(self) -> Recipe:
        """Return the paper's generators, and its three to six knocks (section II.C)."""
        shortest, longest = PAPER.knocks_min, PAPER.knocks_max
        parameters = replace(self.parameters, knocks_min=shortest, knocks_max=longest)
        return Recipe(parameters, "mt19937", "henon")

    def by_distance(self, source: str) -> Series:
        """Return what eight bits in a row are worth by the steps between two of them."""
        return curve(source, self.key("protocols"), self.parameters.bits)
