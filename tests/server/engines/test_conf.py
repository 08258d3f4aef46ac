"""knockd.conf: what the administrator wrote stays byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshknock.errors import BadInput
from sshknock.server.engines.knockd import conf

STOCK = """\
[options]
	UseSyslog

[openSSH]
	sequence    = 7000,8000,9000
	seq_timeout = 5
	command     = /sbin/iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
	tcpflags    = syn

[mine]
	# kept
	sequence = 4000:udp,5000
	command  = /bin/true
"""

lines = st.text(st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))
texts = st.lists(st.one_of(lines, st.sampled_from(STOCK.splitlines())), max_size=12).flatmap(
    lambda parts: st.sampled_from(["\n".join(parts), "\n".join(parts) + "\n"])
)


@given(texts, st.sampled_from(["[sshknock-1]\n\tsequence = 1:tcp,2:udp\n", ""]))
def test_our_block_comes_and_goes_without_a_trace(theirs: str, ours: str) -> None:
    """Whatever stands in the file, with or without a last newline, is there again afterwards."""
    text = conf.File(theirs, ours).render()
    assert conf.split(text) == conf.File(theirs, ours)
    assert conf.File(conf.split(text).theirs, None).render() == theirs


@pytest.mark.parametrize(
    "text",
    [
        conf.BEGIN,
        conf.END,
        f"{conf.END}\n{conf.BEGIN}\n",
        f"{conf.BEGIN}\n{conf.BEGIN}\n{conf.END}\n",
    ],
    ids=["no end", "no beginning", "turned round", "twice"],
)
def test_damaged_marks_are_refused(text: str) -> None:
    """Nothing is guessed: the administrator may have written into the block."""
    with pytest.raises(BadInput, match="damaged"):
        conf.split(text)


def test_the_stock_examples_are_disabled_and_come_back() -> None:
    """Anybody can knock 7000,8000,9000; the administrator's own section stays in force."""
    quiet = conf.disable_stock(STOCK)
    assert [section.name for section in conf.doors_of(quiet)] == ["mine"]
    assert "\t# kept\n" in quiet
    assert conf.enable_stock(quiet) == STOCK
    assert conf.disable_stock(quiet) == quiet


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sequence = 1,2\n", 1),
        ("[a]\nsequence = 1,2\nnonsense\n", 3),
        ("[a]\nsequence = abc\n", 2),
        ("[a]\nsequence = 1,70000\n", 2),
        ("[a]\nsequence = 1:icmp,2\n", 2),
        ("[a]\nsequence = 1,2,\n", 2),
        ("[a]\nsequence = " + ",".join(["1"] * 33) + "\n", 2),
        ("[a]\nsequence = 1,2\nseq_timeout = soon\n", 3),
        ("[a]\ncommand = /bin/true\n", 1),
        ("[a]\nsequence = 1,2\nsurprise = 1\n", 3),
        ("[]\n", 1),
        ("[a]\nsequence = 1,2\ncommand = " + "x" * 5000 + "\n", 3),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_knockd_would_give_up_on_is_refused_with_its_line(text: str, line: int) -> None:
    """Knockd exits on such a file, or takes it for something else."""
    with pytest.raises(BadInput, match=f"line {line} "):
        conf.parse(text)


def test_sections_are_read_as_knockd_reads_them() -> None:
    """Keys in any case, values kept as they are, the last of a key counts."""
    (section,) = conf.parse("# x\n[ a ]\n\tSEQUENCE = 1:tcp, 2:UDP\n command = a = b # c\n")
    assert section.name == " a "
    assert section.value("sequence") == "1:tcp, 2:UDP"
    assert section.value("command") == "a = b # c"
