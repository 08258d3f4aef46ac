"""What came of an attack, in sentences that are true and can be read aloud."""

from __future__ import annotations

from datetime import datetime, timezone

from sshknock.analysis.attack.attempt import Attempt
from sshknock.analysis.attack.clock import MICROSECONDS, Moments
from sshknock.protocol.knocks import Sequence


def train_text(train: Sequence) -> str:
    """Return a train as in the paper's figure 7."""
    return ",".join(map(str, train))


def moments_text(moments: Moments) -> str:
    """Return from when to when, in universal time."""
    return f"{time_text(moments.first)} to {time_text(moments.end)}"


def time_text(moment: int) -> str:
    """Return a moment in microseconds as people write it, in universal time."""
    seconds, rest = divmod(moment, MICROSECONDS)
    shown = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return f"{shown}.{rest:06d} UTC" if rest else f"{shown} UTC"


def short(attempt: Attempt) -> str:
    """Return the result for a table."""
    if attempt.match is None:
        return f"nothing in {attempt.search.guesses:,}"
    return f"guess {attempt.match.guess:,} of {attempt.search.guesses:,}"


def told(attempt: Attempt, following: Sequence | None) -> str:
    """Return the result in full; ``following`` is what the victim has next, where that is known.

    Seconds are one core's, up to the guess that was right.
    """
    search, match = attempt.search, attempt.match
    if match is None:
        return f"no seed found: {search.guesses:,} guesses in {search.seconds:.1f} s."
    seconds = search.seconds * match.guess / search.guesses
    said = f"seed {match.seed} found after {match.guess:,} guesses in {seconds:.2f} s"
    if match.line > 1:
        said += f", and the train is line {match.line} of its file"
    if attempt.predicted is not None:
        said += f"; next sequence predicted: {train_text(attempt.predicted)}"
    if following is not None:
        right = "yes" if attempt.predicted == following else "no"
        said += f"; it is the next line of the file: {right}"
    return f"{said}. {_others(attempt)}"


def _others(attempt: Attempt) -> str:
    """Say whether the seed is the only one, and whether that was to be expected."""
    others = len(attempt.search.matches) - 1
    tried = f"of {attempt.search.guesses:,} seeds"
    chance = f"{attempt.by_chance:.1g} by chance"
    if not others:
        return f"No other {tried} gives this train ({chance})."
    return f"{others:,} more {tried} give this train ({chance}): the next train tells."
