"""``sshknock set NAME keyring=...``: the state moves, whole, and is in one keyring at its end."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from sshknock.client import config
from sshknock.client.keyrings import SERVICE, open_keyring
from sshknock.client.moving import move
from sshknock.client.state import Store
from sshknock.errors import KeyringUnavailable, SshknockError, UsageError
from tests.client.conftest import assert_says, pair, sshknock
from tests.client.door import Door
from tests.client.test_keyrings import MemoryBackend

RECORDED = "memory_keyring:Memory"


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's keyring is one in memory."""
    module = ModuleType("memory_keyring")
    module.Memory = MemoryBackend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "memory_keyring", module)
    monkeypatch.setattr(MemoryBackend, "kept", {})
    monkeypatch.setattr("sshknock.client.keyrings.system.find_backend", lambda: RECORDED)


def test_there_and_back_again(door: Door) -> None:
    """Secret and counters are as they were, and nothing is left where they come from."""
    before = pair(door, last_open=1_700_000_000).load()
    for keyring, other, recorded in (("system", "file", RECORDED), ("file", RECORDED, "file")):
        moved = move("box", keyring)
        assert config.load().named("box") == moved
        assert moved.keyring == recorded
        assert Store(moved).load() == before
        assert open_keyring(other).get("box") is None
        assert move("box", keyring) == moved


def test_a_keyring_that_fails_changes_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locked: the pairing stays where it is."""
    store = pair(door)
    before = store.load()
    monkeypatch.setattr(MemoryBackend, "failure", RuntimeError("locked"))
    with pytest.raises(KeyringUnavailable):
        move("box", "system")
    assert (config.load().named("box"), store.load()) == (store.pairing, before)


def test_settings_that_cannot_be_written_leave_it_where_it_was(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old item is removed last; the same command again overwrites what it left behind."""
    store = pair(door)
    before = store.load()
    with monkeypatch.context() as broken:
        broken.setattr("sshknock.client.config.write_private", _fail)
        with pytest.raises(SshknockError, match="no space"):
            move("box", "system")
    assert (config.load().named("box"), store.load()) == (store.pairing, before)
    assert Store(move("box", "system")).load() == before


def _fail(*_: object, **__: object) -> None:
    raise SshknockError("no space")


def test_an_item_of_something_else_is_not_overwritten(door: Door) -> None:
    """It may be a password of another program, or of another machine's pairing."""
    pair(door)
    MemoryBackend.kept[SERVICE, "box"] = "precious"
    with pytest.raises(UsageError, match="not this pairing's"):
        move("box", "system")
    assert MemoryBackend.kept == {(SERVICE, "box"): "precious"}


def test_an_old_keyring_that_locks_meanwhile_is_told(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pairing works from the new one; the copy that is left is not passed over in silence."""
    pair(door)
    moved = move("box", "system")

    def refuse(*_: object) -> None:
        raise RuntimeError("locked")

    monkeypatch.setattr(MemoryBackend, "delete_password", refuse)
    with pytest.raises(SshknockError, match="still has a copy"):
        move("box", "file")
    assert config.load().named("box").keyring == "file"
    assert Store(config.load().named("box")).load() == Store(moved).load()


def test_the_command_says_where_it_is_kept_now(door: Door) -> None:
    """And refuses what is no keyring, and a pairing that is not there."""
    pair(door)
    done = sshknock("set", "box", "keyring=file")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "keyring: a private file")
    assert_says(sshknock("set", "box", "keyring=cloud"), 2, "keyring=file")
    assert_says(sshknock("set", "nobody", "keyring=file"), 3, "nobody")
    assert_says(sshknock("set", "box", "keyring=system"), 4, "no system keyring")
