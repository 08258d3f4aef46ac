"""Which servers an inventory means, and what is said of one that cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sshknock.client.fleet.inventory import Entry, parse, read
from sshknock.errors import BadInput, UsageError
from tests.client.conftest import MODULE, assert_says, sshknock

SETTINGS = """\
Include more/*.conf
Host web1 web2 !web3 web*
    User ann
host=db1
Match user root
    Include "~/.ssh/last"
Host *
"""


@pytest.fixture
def settings(home: Path) -> Path:
    """Return ssh's folder, with files that include each other."""
    folder = home / ".ssh"
    (folder / "more").mkdir(parents=True)
    (folder / "config").write_text(SETTINGS)
    (folder / "more/a.conf").write_text("Host web7 'odd\nHost web8 # the new one\n")
    (folder / "last").write_text("Host web9\nInclude config\n")
    return folder


def test_a_line_is_a_server() -> None:
    """A name of its own or that of the host; comments, empty lines and blanks mean nothing."""
    text = "# ours\n\n  web1 \nroot@web2\nshop  ann@192.0.2.7   # by its address\n"
    assert parse(text, "it") == [
        Entry("web1", "web1"),
        Entry("web2", "root@web2"),
        Entry("shop", "ann@192.0.2.7"),
    ]


def test_a_file_of_another_system_is_read_as_well(home: Path) -> None:
    """Its mark of bytes and its line ends are no part of a name."""
    file = home / "servers"
    file.write_bytes(b"\xef\xbb\xbfweb1\r\nshop ann@192.0.2.7\r\n")
    assert read(str(file)) == [Entry("web1", "web1"), Entry("shop", "ann@192.0.2.7")]


@pytest.mark.parametrize(
    ("where", "code", "said"),
    [
        ("x" * 300, 1, "cannot read"),
        ("x" * 300 + "*", 1, "no Host in"),
        ("~nobody-is-called-so/x", 2, "there is no file"),
    ],
    ids=["too long", "too long a pattern", "nobody's home"],
)
def test_what_names_no_file_is_told_in_one_line(
    home: Path, where: str, code: int, said: str
) -> None:
    """However odd it is."""
    assert_says(sshknock("enroll", "--inventory", where), code, said)
    assert list(home.iterdir()) == []


def test_standard_input_that_is_no_text_is_told(home: Path) -> None:
    """As of a file."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "enroll", "--inventory", "-"],
        input=b"\xff\xfe",
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )
    assert (done.returncode, done.stderr) == (1, b"sshknock: '-' is no text\n")
    assert list(home.iterdir()) == []


BAD = {
    "a command in it": ("$(reboot)\n", "line 1: '$(reboot)' is no [USER@]HOST"),
    "a command in a user": ("x `reboot`@web1\n", "line 1: '`reboot`@web1' is no [USER@]HOST"),
    "three words": ("a b c\n", "line 1: there are more than two words"),
    "no host": ("web1\na@b@c\n", "line 2: 'a@b@c' is no [USER@]HOST"),
    "an option": ("-oProxyCommand=x\n", "line 1: '-oProxyCommand=x' is no [USER@]HOST"),
    "an address is no name": ("2001:db8::1\n", "line 1: '2001:db8::1' is no name"),
    "two of one name": ("web1\nWEB1 other\n", "line 2: there are two servers 'WEB1'"),
    "a pattern with a name": ("shop web*\n", "line 1: a pattern takes no NAME"),
    "a pattern for nobody": ("mail*\n", "line 1: no Host in ~/.ssh/config is like 'mail*'"),
    "nothing": ("# nobody\n", "it names no server"),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_line_is_named(settings: Path, text: str, message: str) -> None:
    """With its number, and before any server was asked for anything."""
    assert settings
    with pytest.raises(BadInput) as caught:
        parse(text, "it")
    assert message in caught.value.message
    assert caught.value.hint or "like" in message


def test_a_line_that_is_there_twice_is_one_server(settings: Path) -> None:
    """As when a pattern names it too."""
    assert settings
    assert [e.name for e in parse("web1\nweb?\nweb1\n", "it")] == ["web1", "web8", "web2", "web9"]


def test_a_pattern_stands_for_names_of_ssh(settings: Path) -> None:
    """Names only, of included files too, in their order; the user goes before each."""
    assert settings
    assert [e.via for e in read("root@web*")] == [f"root@web{n}" for n in (8, 1, 2, 9)]
    assert read("db1*") == [Entry("db1", "db1")]


def test_a_file_goes_before_a_pattern(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one with an odd name."""
    monkeypatch.chdir(home)
    (home / "web*").write_text("mail\n")
    assert read("web*") == [Entry("mail", "mail")]
    with pytest.raises(UsageError, match="there is no file 'nothing'"):
        read("nothing")


def test_the_command_line_says_what_does_not_go_together(home: Path) -> None:
    """Exit 2; and a bad inventory is told before there is any folder of ours."""
    assert_says(sshknock("enroll", "box", "--inventory", "x"), 2, "NAME is for one server")
    assert_says(sshknock("enroll", "--inventory", "x", "--via", "y"), 2, "--via is for one server")
    assert_says(sshknock("enroll", "--inventory", "x"), 2, "there is no file 'x'")
    done = sshknock("enroll", "--inventory", "x*")
    assert_says(done, 1, "sshknock: no Host in ~/.ssh/config is like 'x*'\n")
    assert_says(sshknock("enroll", "box", "--via", "y", "--json"), 2, "--json goes with --invent")
    assert list(home.iterdir()) == []
