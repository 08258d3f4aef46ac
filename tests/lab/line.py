"""What a bad line does to a frame: data and dice.  No I/O."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Line:
    """A line's properties, the same in both directions; shares are from 0 to 1.

    Every frame is `delay_s` under way, and up to `jitter_s` more or less, so that frames which are
    closer than that overtake each other.  A share of the frames is lost, comes twice, or jumps the
    queue (it is not delayed at all, as netem's `reorder` has it).  A line that is `held` keeps all
    of them until it changes; then they arrive at once, in order.
    """

    delay_s: float = 0
    jitter_s: float = 0
    loss: float = 0
    duplicate: float = 0
    reorder: float = 0
    held: bool = False

    def __post_init__(self) -> None:
        for share in (self.loss, self.duplicate, self.reorder):
            if not 0 <= share <= 1:
                raise ValueError(f"{share} is no share")
        if not 0 <= self.jitter_s <= self.delay_s:
            raise ValueError("a frame cannot arrive before it was sent")

    def arrivals(self, dice: Random) -> tuple[float, ...]:
        """After how many seconds a frame arrives: once as a rule, never, or twice.

        Infinite where it waits for the line to change.
        """
        if dice.random() < self.loss:
            return ()
        copies = 2 if dice.random() < self.duplicate else 1
        return tuple(self._delay(dice) for _ in range(copies))

    def encode(self) -> str:
        """As one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Line:
        """Read what `encode` wrote."""
        return cls(**json.loads(text))

    def _delay(self, dice: Random) -> float:
        if self.held:
            return math.inf
        if dice.random() < self.reorder:
            return 0
        return self.delay_s + dice.uniform(-self.jitter_s, self.jitter_s)


@dataclass(frozen=True, slots=True)
class Tally:
    """What passed a line, in frames, and how much later than asked the emulator was, in seconds."""

    sent: int = 0
    lost: int = 0
    doubled: int = 0
    late_median_s: float = 0
    late_worst_s: float = 0

    def encode(self) -> str:
        """As one line of text."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Tally:
        """Read what `encode` wrote."""
        return cls(**json.loads(text))


CLEAN = Line()
LOSSY = Line(loss=0.08)
REORDERING = Line(delay_s=0.012, jitter_s=0.012, reorder=0.30)
DISTANT = Line(delay_s=0.080)
