"""What came of an attack, in sentences that are true and can be read aloud."""

from __future__ import annotations

from datetime import datetime, timezone

from sshknock.analysis.attack.attempt import Attempt, Victim
from sshknock.analysis.attack.clock import Moments
from sshknock.analysis.generators.seeds import SECOND_NS
from sshknock.protocol.knocks import format_sequence


def moments_text(moments: Moments) -> str:
    """Return from when to when, in universal time."""
    return f"{time_text(moments.first)} to {time_text(moments.end)}"


def time_text(moment: int) -> str:
    """Return a moment in nanoseconds as people write it, in universal time."""
    seconds, rest = divmod(moment, SECOND_NS)
    shown = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    decimals = f".{rest:09d}".rstrip("0").rstrip(".")
    return f"{shown}{decimals} UTC"


def short(attempt: Attempt) -> str:
    """Return the result for a table."""
    if attempt.match is None:
        return f"nothing in {attempt.search.guesses:,}"
    return f"guess {attempt.match.guess:,} of {attempt.search.guesses:,}"


def told(attempt: Attempt, victim: Victim) -> str:
    """Return the result in full. Seconds are one core's.

    Those up to the guess that was right are its share of what all guesses took.
    """
    search, match = attempt.search, attempt.match
    seen = f"{format_sequence(victim.train)} was seen."
    if match is None:
        return f"{seen} No seed found: {_guesses(search.guesses)} in {search.seconds:.2g} s."
    seconds = search.seconds * match.guess / search.guesses
    said = [
        f"{seen} Seed {match.seed} found after {_guesses(match.guess)} in about {seconds:.2g} s"
    ]
    if match.line > 1:
        said.append(f"the train is line {match.line} of its file")
    if attempt.predicted is not None:
        said.append(f"next sequence predicted: {format_sequence(attempt.predicted)}")
    if victim.following is not None:
        right = "yes" if attempt.predicted == victim.following else "no"
        said.append(f"it is the next line of the file: {right}")
    return f"{'; '.join(said)}. {_others(attempt)}"


def _guesses(count: int) -> str:
    return "1 guess" if count == 1 else f"{count:,} guesses"


def _others(attempt: Attempt) -> str:
    """Say whether the seed is the only one, and whether that was to be expected."""
    guesses, others = attempt.search.guesses, len(attempt.search.matches) - 1
    if guesses == 1:
        return "There was no other to try."
    chance = f"expected by chance: {attempt.by_chance:.1g}"
    if others:
        return (
            f"{others:,} more of {guesses:,} seeds give this train ({chance}): see another train."
        )
    return f"No other of {guesses:,} seeds gives this train ({chance})."
