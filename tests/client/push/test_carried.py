"""What a file says by itself: which counters it holds, and how far knockd has got."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.client.push.carried import Carried, read_carried, render_counters
from sshknock.errors import BadInput
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose, Sequence
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret

PARAMETERS = Parameters(knocks_min=5, knocks_max=5)
SECRETS = Secret(bytes(range(32))), Secret(bytes(32))
OURS, THEIRS = (
    [derive(secret, Purpose.OPEN, counter, PARAMETERS) for counter in range(60)]
    for secret in SECRETS
)


def ours(counter: int) -> Sequence:
    """Return this pairing's sequence of a counter."""
    return OURS[counter]


def mark(text: str, used: int) -> str:
    """Return the file after knockd has used its first lines."""
    lines = text.splitlines(keepends=True)
    return "".join("#" + line[1:] if i < used else line for i, line in enumerate(lines))


ranges = st.tuples(st.integers(0, 20), st.integers(1, 20), st.integers(0, 20))


@given(ranges)
def test_a_file_tells_its_counters_and_the_next_one(given_: tuple[int, int, int]) -> None:
    """Wherever it begins, whatever is used, with an administrator's comment on top."""
    first, count, used = given_
    used = min(used, count)
    text = "# for the laptop\n" + mark(render_counters(ours, first, first + count), used)
    assert read_carried(text.encode(), ours, first) == Carried(first, first + count, first + used)


@given(ranges, st.integers(0, 20), st.data())
def test_what_was_broken_off_is_completed_by_what_is_missing(
    given_: tuple[int, int, int], more: int, data: st.DataObject
) -> None:
    """An append may end after any byte: with what is added then, the file is as it should be."""
    first, count, used = given_
    used = min(used, count)
    whole = mark(render_counters(ours, first, first + count + more), used)
    begun = mark(render_counters(ours, first, first + count), used)
    cut = data.draw(st.integers(len(begun), len(whole)))
    held = read_carried(whole[:cut].encode(), ours, first)
    assert held is not None
    rest = held.missing + render_counters(ours, held.end, first + count + more)
    assert whole[:cut] + rest == whole
    assert held.following == first + used


@given(ranges, st.data())
def test_another_pairings_list_is_refused(
    given_: tuple[int, int, int], data: st.DataObject
) -> None:
    """Whole, or with one line that is not ours, or one of ours missing in the middle."""
    first, count, _ = given_
    text = render_counters(ours, first, first + count + 2)
    foreign = render_counters(THEIRS.__getitem__, first, first + count)
    lines = text.splitlines(keepends=True)
    place = data.draw(st.integers(1, count))
    mixed = "".join([*lines[:place], foreign.splitlines(keepends=True)[0], *lines[place:]])
    gap = "".join([*lines[:place], *lines[place + 1 :]])
    for other in (foreign, mixed, gap):
        with pytest.raises(BadInput):
            read_carried(other.encode(), ours, 40)


@pytest.mark.parametrize("data", [b"\xff\xfe", b"hello\n", b" 1:tcp,2:u", b"# note\n 1:tcp"])
def test_a_file_of_something_else_is_refused(data: bytes) -> None:
    """No list at all, or one that breaks off in a line that cannot be ours."""
    with pytest.raises(BadInput):
        read_carried(data, ours, 3)


@pytest.mark.parametrize("data", [b"", b"\n", b"# nothing yet\n"])
def test_an_empty_file_holds_nothing(data: bytes) -> None:
    """As somebody may have made it beforehand."""
    assert read_carried(data, ours, 3) is None
