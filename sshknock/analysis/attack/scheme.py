"""The paper's scheme (section II), which everybody may know: from a seed to the lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sshknock.analysis.attack.search import Filter, port_filter
from sshknock.analysis.sequence_maker import PAPER_START, Recipe, sequences
from sshknock.protocol.knocks import Knock, Sequence, Transport
from sshknock.protocol.parameters import Parameters

_TRANSPORTS = (Transport.TCP, Transport.UDP)
_DRAWN_AGAIN = 48
"""Numbers that weak drawings may take before a line that is kept: of three knocks half are weak, so
sixteen in a row are one line in tens of thousands."""


def paper_recipe(
    parameters: Parameters, *, steps: int | None = 1, keep_weak: bool = True
) -> Recipe:
    """Return the paper's way: Python's generator, and Hénon's map from (0, 0), step by step.

    ``sshknock generate --seed time`` has other ``steps`` (None), and no weak lines, unless told so.
    """
    return Recipe(parameters, "mt19937", "henon", PAPER_START, steps, keep_weak)


@dataclass(frozen=True, slots=True)
class PaperScheme:
    """All of the scheme but the seed: the program, the range, the lengths and the map."""

    recipe: Recipe = field(default_factory=lambda: paper_recipe(Parameters(knocks_min=3)))

    @property
    def parameters(self) -> Parameters:
        """The range of ports, and how many knocks."""
        return self.recipe.parameters

    def lines(self, seed: int) -> Iterator[Sequence]:
        """Yield the sequences of a file, for ever."""
        for ports, bits in sequences(self.recipe, seed):
            yield tuple(map(Knock, ports, [_TRANSPORTS[bit] for bit in bits]))

    def filter(self, train: Sequence, lines: int) -> Filter:
        """Return a quick look at which seeds could have the train on their first lines."""
        a_line = 1 + self.parameters.knocks_max  # its length and its ports
        before = (lines - 1) * a_line + 1
        if not self.recipe.keep_weak:
            before += _DRAWN_AGAIN
        return port_filter(train[0].port, self.parameters, before)
