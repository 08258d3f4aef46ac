"""``sync`` and ``rotate`` on the command line: which pairings are meant, and what does not go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sshknock.client.fleet.left import Left
from tests.client.conftest import assert_says, pair, sshknock
from tests.client.door import Door

WRONG = {
    "nobody": ([], "which pairing?", "--all"),
    "both": (["box", "--all"], "--all and names", ""),
    "several by one way": (["box", "other", "--via", "host"], "one pairing at a time", ""),
    "no jobs": (["--all", "--jobs", "0"], "jobs", ""),
}


@pytest.mark.parametrize("command", ["sync", "rotate"])
@pytest.mark.parametrize(("words", "message", "hint"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_meant_is_exit_2(
    door: Door, command: str, words: list[str], message: str, hint: str
) -> None:
    """One line that says why; nothing was sent."""
    stores = pair(door, "box"), pair(door, "other")
    assert_says(sshknock(command, *words), 2, message, hint)
    assert all(store.load().counters.sent == -1 for store in stores)


@pytest.mark.parametrize("command", ["sync", "rotate"])
def test_one_that_is_not_there_ends_it_before_anything_is_done(door: Door, command: str) -> None:
    """Exit 3, as for one alone."""
    store = pair(door)
    assert_says(sshknock(command, "box", "crate"), 3, "no pairing 'crate'")
    assert store.load().counters.sent == -1


def test_all_of_none_is_no_trouble(home: Path) -> None:
    """A first run of a script; nothing is left over either."""
    for words in (["sync", "--all"], ["rotate", "--all"], ["rotate", "--left"]):
        assert sshknock(*words).returncode == 0, words
    assert list(home.rglob("*left*")) == []


def test_pairs_that_are_in_step_need_no_ssh(door: Door) -> None:
    """A knock that opens, with the port seen shut before it, shows all that there is to know."""
    store = pair(door)
    done = sshknock("sync", "--all", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["servers"][0]["message"] == "in step: the next counter is 1"
    assert store.load().counters.confirmed == 0
    assert done.stderr == "sshknock: box: in step: the next counter is 1\n"


def test_a_rotation_that_fails_is_left(home: Path) -> None:
    """The far side speaks no SSH: exit 1, the reason in the summary, and the name for --left."""
    assert home
    with Door() as door:
        store = pair(door)
        done = sshknock("rotate", "--all")
    assert done.returncode == 1, done
    assert "0 rotated, 1 failed, of 1" in done.stdout
    assert "'sshknock rotate --left' does what is left" in done.stdout
    assert Left("rotate").read() == ["box"]
    assert store.load().replaces is None
    assert_says(sshknock("rotate", "--left", "box"), 2, "--left says itself")
