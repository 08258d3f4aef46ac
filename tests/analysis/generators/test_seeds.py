"""The functions of the clock that make seeds."""

from __future__ import annotations

import pytest

from sshknock.analysis.generators.seeds import SEED_FUNCTIONS, digits, parse_moment
from sshknock.errors import BadInput

MOMENT = 1_491_555_612_345_678_901


@pytest.mark.parametrize(
    ("function", "seed"),
    [
        ("digits", 12_345_678),
        ("decimals", 345_678),
        ("seconds", 1_491_555_612),
        ("milliseconds", 1_491_555_612_345),
        ("microseconds", 1_491_555_612_345_678),
        ("nanoseconds", MOMENT),
    ],
)
def test_a_moment_has_one_seed_by_each_function(function: str, seed: int) -> None:
    """The paper's: the least significant digits of the seconds, and the decimal ones."""
    assert SEED_FUNCTIONS[function](MOMENT) == seed


def test_the_digits_of_the_seconds_can_be_more_or_fewer() -> None:
    """None leaves the decimals alone, five take five."""
    assert [digits(MOMENT, count) for count in (0, 1, 5)] == [345_678, 2_345_678, 55_612_345_678]


def test_a_moment_is_read_to_the_nanosecond() -> None:
    """Decimals that are not written are noughts."""
    assert parse_moment("1491555612.345678901") == MOMENT
    assert parse_moment("1491555612.3") == 1_491_555_612_300_000_000
    assert parse_moment("0") == 0


@pytest.mark.parametrize("text", ["", "-1", "now", "1.", ".5", "1.1234567890", "1e9", "1 ", "²"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadInput, match="no moment"):
        parse_moment(text)
