"""``sshknock enroll`` and ``forget``: a whole pairing or none, and nothing left of it."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path

import pytest

from sshknock.client import config
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.client.state import Store
from sshknock.protocol.counters import ClientCounters
from sshknock.records import replace
from tests.client.conftest import (
    SECRET,
    TOKEN,
    assert_says,
    enroll,
    run_code,
    sshknock,
)


def test_enroll_makes_a_pairing_without_a_network(token: Path) -> None:
    """The token's host, port and parameters; the counters at their start; nothing shown."""
    done = sshknock("enroll", "box", "--token-file", token, "--keyring", "file")
    assert (done.returncode, done.stderr) == (0, "")
    assert SECRET.hex() not in done.stdout
    assert "enrolled box: 192.0.2.7 port 2222, keyring: a private file" in done.stdout
    assert json.loads(sshknock("status", "--json").stdout) == {
        "version": 1,
        "pairings": [
            {
                "name": "box",
                "host": "192.0.2.7",
                "port": 2222,
                "keyring": "file",
                "confirmed": -1,
                "sent": -1,
                "sessions": 0,
                "last_open": None,
                "last_result": None,
            }
        ],
    }


def test_enroll_takes_the_token_from_standard_input_and_another_host() -> None:
    """``-`` keeps it out of files; ``--host`` is for a server behind another address."""
    done = sshknock(
        *("enroll", "box", "--token-file", "-", "--keyring", "file", "--host", "Box.Example."),
        stdin=TOKEN.encode(),
    )
    assert done.returncode == 0
    assert config.load().pairings["box"].hosts == ("box.example",)


@pytest.mark.parametrize(("name", "host"), [("a b", "box.example"), ("box", "a b"), ("box", "")])
def test_a_bad_name_or_host_is_exit_2(token: Path, name: str, host: str) -> None:
    """It is the command that is wrong, and not the token."""
    given = ("--token-file", token, "--keyring", "file", "--host", host)
    assert_says(sshknock("enroll", name, *given), 2)
    assert config.load().pairings == {}


def test_no_file_holds_the_secret_but_the_private_one(token: Path, home: Path) -> None:
    """The settings hold none, and the keyring's file is 0600."""
    enroll(token)
    token.unlink()
    holding = [p for p in home.rglob("*") if p.is_file() and SECRET.hex() in p.read_text()]
    assert holding == [keyring_folder() / "sshknock" / "box.json"]
    assert holding[0].stat().st_mode & 0o777 == 0o600


def test_without_a_system_keyring_enroll_is_exit_4(token: Path) -> None:
    """The default needs one; the hint names the other way, and no pairing is left."""
    assert_says(sshknock("enroll", "box", "--token-file", token), 4, "--keyring file")
    assert config.load().pairings == {}


def test_a_name_or_a_token_is_enrolled_once(token: Path) -> None:
    """Twice the same name, in any case, or the same token under another name: exit 2."""
    enroll(token)
    for name in ("box", "BOX"):
        done = sshknock("enroll", name, "--token-file", token, "--keyring", "file")
        assert_says(done, 2, "already")
    done = sshknock("enroll", "other", "--token-file", token, "--keyring", "file")
    assert_says(done, 2, "this token is enrolled already, as 'box'")
    assert list(config.load().pairings) == ["box"]


def test_an_enrolment_that_was_killed_is_taken_up_again(token: Path) -> None:
    """The item is there and the settings are not: no pairing; the same token goes on with it."""
    enroll(token)
    kept = FileStore(keyring_folder(), "sshknock").get("box")
    config.config_file().unlink()
    assert json.loads(sshknock("status", "--json").stdout)["pairings"] == []
    enroll(token)
    assert FileStore(keyring_folder(), "sshknock").get("box") == kept


def test_an_item_of_something_else_is_not_overwritten(token: Path) -> None:
    """A foreign text under our name: exit 2, and it stays; ``forget`` removes it when asked."""
    store = FileStore(keyring_folder(), "sshknock")
    store.set("box", "precious")
    done = sshknock("enroll", "box", "--token-file", token, "--keyring", "file")
    assert_says(done, 2, "sshknock forget box")
    assert store.get("box") == "precious"
    assert sshknock("forget", "box").returncode == 0
    assert store.get("box") is None


@pytest.mark.parametrize(
    "text", ["", "hello", TOKEN.encode()[:-1], TOKEN.encode()[:40], TOKEN.encode() + "x"]
)
def test_a_damaged_token_is_refused_without_showing_it(text: str) -> None:
    """Cut off, lengthened, something else: exit 1 and no pairing."""
    done = sshknock("enroll", "box", "--token-file", "-", "--keyring", "file", stdin=text)
    assert_says(done, 1, "token")
    assert len(text) < 20 or text[:40] not in done.stderr
    assert config.load().pairings == {}


def test_forget_leaves_nothing(token: Path, home: Path) -> None:
    """Neither the secret nor the settings nor the Host block; a second time is exit 3."""
    enroll(token)
    assert sshknock("ssh-config", "box", "--write").returncode == 0
    token.unlink()
    assert sshknock("forget", "box").returncode == 0
    assert list((home / ".ssh").iterdir()) == []
    for path in home.rglob("*"):
        assert not path.is_file() or SECRET.hex() not in path.read_text()
    assert_says(sshknock("forget", "box"), 3, "box")


def test_a_token_that_was_used_up_here_is_not_taken_again_by_itself(token: Path) -> None:
    """Its counters went with ``forget``; unused it may come again, and ``--again`` insists."""
    again = ("enroll", "box", "--token-file", token, "--keyring", "file")
    enroll(token)
    assert sshknock("forget", "box").returncode == 0
    enroll(token)
    store = Store(config.load().pairings["box"])
    store.save(replace(store.load(), counters=ClientCounters(-1, 0)))
    assert sshknock("forget", "box").returncode == 0
    assert_says(sshknock(*again), 2, "was used here before", "client rotate", "--again", "sync box")
    assert config.load().pairings == {}
    assert sshknock(*again, "--again").returncode == 0


def _with_a_lost_keyring() -> None:
    """Let the pairing's keyring be one that is not installed any more."""
    with config.changing() as known:
        known.pairings["box"] = replace(known.pairings["box"], keyring="gone.backend:Keyring")


def test_a_pairing_whose_keyring_is_gone_can_be_forgotten(token: Path) -> None:
    """Not by itself: the hint says how, and then that the secret may still be there."""
    enroll(token)
    _with_a_lost_keyring()
    assert_says(sshknock("forget", "box"), 4, "sshknock forget box --force")
    assert list(config.load().pairings) == ["box"]
    done = sshknock("forget", "box", "--force")
    assert_says(done, 0, "warning: the secret may still be in its keyring: gone.backend:Keyring")
    assert config.load().pairings == {}


def test_forget_waits_for_an_ssh_that_is_knocking(token: Path) -> None:
    """It would write its counters, and the secret with them, after the item was deleted."""
    enroll(token)
    store = Store(config.load().pairings["box"])
    with ThreadPoolExecutor() as pool:
        with store.locked(0):
            state = store.load()
            forgetting = pool.submit(sshknock, "forget", "box")
            with pytest.raises(NotYet):
                forgetting.result(0.8)
            store.save(state)
        assert forgetting.result().returncode == 0
    assert FileStore(keyring_folder(), "sshknock").get("box") is None


def test_an_interrupted_enrolment_leaves_no_pairing(token: Path) -> None:
    """^C while the keyring is written: neither an item nor settings."""
    code = (
        "import os, signal, sys\n"
        "from sshknock import cli\n"
        "from sshknock.client.keyrings.file import FileStore\n"
        "real = FileStore.set\n"
        "def interrupted(self, name, text):\n"
        "    real(self, name, text); os.kill(os.getpid(), signal.SIGINT)\n"
        "FileStore.set = interrupted\n"
        f"sys.argv = 'sshknock enroll box --keyring file --token-file {token}'.split()\n"
        "sys.exit(cli.main())"
    )
    done = run_code(code)
    assert done.returncode == 128 + signal.SIGINT
    assert "Traceback" not in done.stderr
    assert config.load().pairings == {}
    assert FileStore(keyring_folder(), "sshknock").get("box") is None
