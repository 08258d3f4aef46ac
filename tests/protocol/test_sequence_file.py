"""The file of one-time sequences: what the paper shows, and what knockd makes of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.protocol.knocks import Knock, Transport
from sshknock.protocol.sequence_file import Line, parse, render

knocks = st.builds(Knock, st.integers(1, 65535), st.sampled_from(Transport))
lines = st.builds(Line, st.lists(knocks, min_size=1, max_size=32).map(tuple), st.booleans())

# Figure 7 of the paper, to the letter.
FIGURE_7 = """\
11045:tcp,61405:udp,39673:tcp
20583:udp,8382:tcp,1353:udp,1717:tcp,21917:udp
12574:tcp,38441:tcp,7583:udp
42271:udp,49594:tcp,35510:udp,58555:tcp,10900:udp
14954:tcp,53270:tcp,49274:udp,4133:udp,61935:udp
29362:udp,45912:udp,16999:tcp,4574:udp
"""


@given(st.lists(lines).map(tuple))
def test_a_file_is_read_back_as_it_was_written(file: tuple[Line, ...]) -> None:
    """Used lines and unused ones, of any lengths."""
    assert parse(render(file)) == file


@given(st.lists(lines, min_size=1).map(tuple), st.data())
def test_the_mark_of_knockd_takes_nothing_away(file: tuple[Line, ...], data: st.DataObject) -> None:
    """It writes one ``#`` over the first character of a line: the sequence can still be read."""
    number = data.draw(st.integers(0, len(file) - 1))
    text = render(file).splitlines(keepends=True)
    text[number] = "#" + text[number][1:]
    marked = parse("".join(text))
    assert marked[number] == Line(file[number].sequence, used=True)
    assert (marked[:number], marked[number + 1 :]) == (file[:number], file[number + 1 :])


def test_the_papers_own_figure_is_such_a_file() -> None:
    """Its six sequences come out; written again, only the leading spaces are new."""
    read = parse(FIGURE_7)
    assert [len(line.sequence) for line in read] == [3, 5, 3, 5, 5, 4]
    assert render(read).replace(" ", "") == FIGURE_7


def test_comments_and_empty_lines_are_no_sequences() -> None:
    """As knockd sees it."""
    assert parse("# of Monday\n\n  \n#\n 1:tcp,2:udp\n") == (
        Line((Knock(1, Transport.TCP), Knock(2, Transport.UDP))),
    )


@pytest.mark.parametrize(
    "line",
    ["x", "0:tcp", "65536:udp", "1", "1:sctp", "1:tcp,", ",1:tcp", "1:tcp 2:udp", "1:tcp;2:udp"],
)
def test_any_other_line_is_refused_with_its_number(line: str) -> None:
    """A knockd would guess: it takes a word for port 0, and no protocol for tcp."""
    with pytest.raises(BadInput, match="line 2 "):
        parse(f" 1:tcp\n{line}\n")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but BadInput is raised, and what was read is written and read again as it is."""
    with suppress(BadInput):
        read = parse(text)
        assert parse(render(read)) == read
