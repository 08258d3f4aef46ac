"""``sshknock push --to``: a stick, or a file system that is really the server's."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sshknock.client import config
from sshknock.client.push.places import LocalFile
from sshknock.client.state import PairingState, Store
from sshknock.errors import SystemFault
from sshknock.protocol.counters import ClientCounters
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.sequence_file import parse
from sshknock.records import replace
from tests.client.conftest import assert_says, enroll, sshknock

FIRST = ("--host", "192.0.2.7", "--keyring", "file")


@pytest.fixture
def stick(home: Path) -> Path:
    """Return an empty folder."""
    folder = home / "stick"
    folder.mkdir()
    return folder


def load(name: str = "box") -> tuple[Store, PairingState]:
    """Return the pairing's store and what is in it."""
    store = Store(config.load().named(name))
    return store, store.load()


def use(file: Path, lines: int) -> None:
    """Mark so many lines more, as knockd does."""
    text = file.read_text()
    for _ in range(lines):
        text = text.replace("\n ", "\n#", 1) if text.startswith("#") else "#" + text[1:]
    file.write_text(text)


def test_the_first_push_makes_the_pairing_and_a_private_file(stick: Path) -> None:
    """The lines are the derivation's; of the secret nothing is in the file, or printed."""
    done = sshknock("push", "box", "--to", stick, "--count", 20, "--knocks", 4, *FIRST)
    file = stick / "sequences"
    assert done.stdout.splitlines() == [
        f"carried 24 sequences to {file}: box is good for 20 logins",
        "left to do, in this order:",
        f"  1. on the server: {file} belongs at /etc/knockd/sequences, if it is not there",
        "  2. here: 'sshknock push box --conf nft' prints what to paste on the server into the two"
        " files that it names",
        "  3. on the server: 'nft -f /etc/knocked.nft && systemctl restart knockd'",
        "  4. here: 'sshknock ssh-config box --write'",
        "  5. here, the session there still open: 'ssh box'",
    ]
    assert oct(file.stat().st_mode)[-4:] == "0600"
    _, state = load()
    lines = parse(file.read_text())
    assert [line.sequence for line in lines] == [
        derive(state.secret, Purpose.OPEN, counter, state.parameters) for counter in range(24)
    ]
    assert {len(line.sequence) for line in lines} == {4}
    assert not any(line.used for line in lines)
    assert state.secret.hex() not in file.read_text() + done.stdout + done.stderr


def test_a_later_push_appends_and_learns_how_far_knockd_is(stick: Path) -> None:
    """The same file, not another one: knockd has it open. Its marks stay."""
    sshknock("push", "box", "--to", stick, "--count", 20, *FIRST)
    file = stick / "sequences"
    use(file, 3)
    before, inode = file.read_text(), file.stat().st_ino
    done = sshknock("push", "box", "--to", file, "--count", 10)
    assert done.stdout == f"carried 10 sequences to {file}: box is good for 27 logins\n"
    assert file.read_text().startswith(before)
    assert (file.stat().st_ino, len(file.read_text().splitlines())) == (inode, 34)
    _, state = load()
    assert state.counters == ClientCounters(2, 2, strong=2)


def test_a_push_that_was_cut_off_is_completed_by_the_next(stick: Path) -> None:
    """In the middle of a line, and before the client could write down how far it had come."""
    sshknock("push", "box", "--to", stick, "--count", 20, *FIRST)
    file = stick / "sequences"
    _, early = load()
    sshknock("push", "box", "--to", stick, "--count", 10)
    store, _ = load()
    store.save(early)
    file.write_text(file.read_text()[:-100])
    sshknock("push", "box", "--to", stick, "--count", 10)
    _, state = load()
    assert state.listed is not None
    assert [line.sequence for line in parse(file.read_text())] == [
        derive(state.secret, Purpose.OPEN, counter, state.parameters)
        for counter in range(state.listed.end)
    ]


def test_a_list_that_is_gone_is_not_made_again_unasked(stick: Path) -> None:
    """Knockd may have it open elsewhere; ``--anew`` begins after all that was ever sent."""
    sshknock("push", "box", "--to", stick, "--count", 20, *FIRST)
    file = stick / "sequences"
    store, state = load()
    store.save(replace(state, counters=ClientCounters(3, 5)))
    file.unlink()
    assert_says(sshknock("push", "box", "--to", stick), 1, "there is no file", "--anew")
    assert not file.exists()
    assert sshknock("push", "box", "--to", stick, "--anew", "--count", 10).returncode == 0
    _, state = load()
    lines = parse(file.read_text())
    assert lines[0].sequence == derive(state.secret, Purpose.OPEN, 6, state.parameters)
    assert (len(lines), state.next(0)[0]) == (14, 6)


def test_a_foreign_file_is_left_alone_and_no_pairing_is_made(stick: Path) -> None:
    """For a first push; the next one, to another path, works."""
    file = stick / "sequences"
    file.write_text(" 1:tcp,2:udp\n")
    assert_says(sshknock("push", "box", "--to", stick, *FIRST), 1, "already", "--anew")
    assert file.read_text() == " 1:tcp,2:udp\n"
    assert config.load().pairings == {}
    assert sshknock("push", "box", "--to", stick / "other", *FIRST).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("no way to its server", "--via")),
        (("--to", "x", "--via", "y"), ("take one of the two",)),
        (("--to", "x", "--scp"), ("--scp",)),
        (("--to", "x"), ("--host HOST",)),
        (("--via", "y", "--path", "relative"), ("no path for the file",)),
        (("--via", "y", "--path", "/etc/a b"), ("without spaces",)),
        (("--to", "x", "--host", "h", "--count", "9"), ("--count",)),
        (("--to", "x", "--host", "h", "--knocks", "9"), ("--knocks",)),
        (("--to", "x", "--host", "h", "--ports", "10-12"), ("ports",)),
        (("--to", "x", "--host", "a b"), ("no host name",)),
    ],
)
def test_a_push_that_cannot_be_done_says_why(
    home: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Exit code 2, one line and perhaps a hint; nothing is made."""
    given = [str(home / "x") if word == "x" else word for word in arguments]
    assert_says(sshknock("push", "box", *given, "--keyring", "file"), 2, *words)
    assert config.load().pairings == {}
    assert not (home / "x").exists()


def test_what_the_first_push_settled_stays(stick: Path) -> None:
    """The sequences that the server has were drawn with it."""
    sshknock("push", "box", "--to", stick, *FIRST)
    assert_says(
        sshknock("push", "box", "--to", stick, "--knocks", 6), 2, "--knocks is for the first push"
    )


def test_a_server_of_ours_needs_no_list(stick: Path, token: Path) -> None:
    """It derives its own sequences; neither a file is written nor the state changed."""
    enroll(token)
    before = load()[1]
    assert_says(sshknock("push", "box", "--to", stick), 2, "derives its sequences itself")
    assert_says(sshknock("push", "box", "--conf", "nft"), 2, "sshknock-server")
    assert (load()[1], list(stick.iterdir())) == (before, [])


def test_a_list_has_no_close_sequences(stick: Path) -> None:
    """A stock knockd closes by time: nothing is sent."""
    sshknock("push", "box", "--to", stick, *FIRST)
    assert_says(sshknock("close", "box"), 1, "no close sequences", "nothing was sent")


@pytest.mark.parametrize("firewall", ["nft", "iptables"])
def test_the_sections_name_what_the_pairing_has(stick: Path, firewall: str) -> None:
    """Path, port and seconds; before there is a pairing those of the options."""
    options = ("--port", 2222, "--open-for", 7, "--path", "/etc/x/list")
    before = sshknock("push", "box", "--conf", firewall, *options).stdout
    sshknock("push", "box", "--to", stick, *FIRST, *options)
    after = sshknock("push", "box", "--conf", firewall).stdout
    without_decoys = re.compile(r"    sequence .*")
    assert without_decoys.sub("", before) == without_decoys.sub("", after)
    (drawn,) = re.findall(r"sequence      = 0:tcp,(.*)", after)
    (decoys,) = parse(drawn)
    assert len({knock.port for knock in decoys.sequence}) == 31
    assert drawn not in before
    assert "one_time_sequences = /etc/x/list\n" in after
    assert "tcpflags      = syn,!ack\n" in after
    assert "dport 2222" in after
    assert ("timeout 7s" if firewall == "nft" else "cmd_timeout   = 7\n") in after


def test_a_file_that_changes_under_a_push_is_not_added_to(stick: Path) -> None:
    """Its length is compared right before."""
    file = LocalFile(stick)
    file.write(b"one\n")
    with pytest.raises(SystemFault, match="changed by somebody else"):
        file.append(b"two\n", at=3)
    assert file.read() == b"one\n"


def test_a_new_list_in_the_place_of_another_keeps_its_owner(stick: Path) -> None:
    """Whose file it is stays the administrator's choice; others get no right to it."""
    file = LocalFile(stick)
    file.path.write_text("old\n")
    file.path.chmod(0o644)
    os.chown(file.path, 12345, 54321)
    file.write(b"new\n")
    after = file.path.stat()
    assert (after.st_uid, after.st_gid, oct(after.st_mode)[-4:]) == (12345, 54321, "0600")
    assert [one.name for one in stick.iterdir()] == ["sequences"]


def test_a_folder_that_is_not_there_is_said(stick: Path) -> None:
    """With a hint; a pairing without a list is not left behind."""
    nowhere = stick / "no" / "list"
    assert_says(sshknock("push", "box", "--to", nowhere, *FIRST), 1, "cannot write", "folder")
    assert config.load().pairings == {}
