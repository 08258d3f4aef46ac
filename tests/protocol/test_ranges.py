"""Ranges as people write them."""

from __future__ import annotations

import pytest

from sshknock.errors import BadInput
from sshknock.protocol.ranges import parse_lengths, parse_range


@pytest.mark.parametrize(("text", "bounds"), [("5", (5, 5)), ("3-6", (3, 6)), ("8-8", (8, 8))])
def test_how_many_knocks_is_a_number_or_a_range(text: str, bounds: tuple[int, int]) -> None:
    """One number is both bounds."""
    assert parse_lengths(text) == bounds


@pytest.mark.parametrize("text", ["", "-", "3-", "-6", "3-6-7", "five", "3 - 6", "٣", "5\n"])
def test_anything_else_is_told_with_both_ways_to_write_it(text: str) -> None:
    """The hint has an example of each."""
    with pytest.raises(BadInput, match="is no number of knocks") as told:
        parse_lengths(text)
    assert "as 5 or 3-6" in (told.value.hint or "")


def test_a_range_of_ports_has_two_ends() -> None:
    """One port is no range: sequences need more of them."""
    with pytest.raises(BadInput, match="'5000' is no range"):
        parse_range("5000")
