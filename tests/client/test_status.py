"""``sshknock status`` for people: the table, one pairing, the next step, terminals, ports."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sshknock.client import config
from sshknock.client.config import Pairing
from sshknock.client.keyrings import SERVICE
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.client.state import FAILED, NOT_HIDDEN, OPENED, PairingState, Store, lock_file
from sshknock.client.status import looks as reading
from sshknock.client.status import words
from sshknock.client.status.advice import next_step
from sshknock.errors import KeyringUnavailable
from sshknock.protocol.counters import ClientCounters
from sshknock.protocol.list_counters import SequenceList
from sshknock.records import replace
from sshknock.system.files import locked
from tests.client.conftest import MODULE, PAIRING_ID, assert_says, pair, sshknock
from tests.client.door import HOST, PARAMETERS, Door, free_port

NOW = 1_700_000_000
IN_STEP = ClientCounters(7, 7, strong=7)
WELL: dict[str, Any] = {
    "counters": IN_STEP,
    "last_open": NOW - 200,
    "last_train": NOW - 190,
    "last_result": OPENED,
}
MISSED: dict[str, Any] = {"counters": ClientCounters(7, 9, step=2, strong=7), "last_result": FAILED}
ASTRAY: dict[str, Any] = {
    "counters": ClientCounters(7, 40, top=31, step=3, strong=7),
    "last_result": FAILED,
}
TRIED: dict[str, Any] = {"last_open": NOW - 900, "last_train": NOW - 60}


def look_at(store: Store) -> reading.Look:
    """Look at one pairing, to which ssh was not led."""
    (look,) = reading.with_blocks(reading.look_at([store.pairing]))
    return look


# What people read


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (-3, "just now"),
        (0, "just now"),
        (42, "42 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 day ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_times_are_said_as_people_say_them(past: int, said: str) -> None:
    """In the largest unit that is whole."""
    assert words.ago(NOW - past, NOW) == said


def test_old_times_and_those_of_another_clock_are_dates() -> None:
    """A week ago, and an hour ahead of us; never is said so."""
    for past in (7 * 86400, -3600):
        assert re.fullmatch(r"2023-11-\d\d", words.ago(NOW - past, NOW))
    assert words.ago(None, NOW) == "never"


@pytest.mark.parametrize(
    ("state", "port"),
    [
        (WELL, "hidden"),
        ({**WELL, "counters": ClientCounters(7, 7)}, "?"),
        ({**WELL, "counters": ClientCounters(99, 99, strong=7)}, "?"),
        ({**WELL, "last_result": NOT_HIDDEN}, "no knock needed"),
        ({**TRIED, **MISSED}, "did not open"),
        ({}, "?"),
    ],
)
def test_whether_the_port_is_hidden_is_what_the_last_logins_saw(
    door: Door, state: dict[str, Any], port: str
) -> None:
    """A confirm alone is no proof: somebody must have seen it shut within a window of counters."""
    assert words.port(look_at(pair(door, **state))) == port


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (WELL, None),
        ({**WELL, "last_result": NOT_HIDDEN}, "see the server"),
        ({**TRIED, **MISSED}, "doctor"),
        ({**TRIED, **ASTRAY}, "sync --search"),
        ({**TRIED, **MISSED, "last_train": int(time.time())}, "doctor"),
        ({**WELL, "listed": SequenceList(0, 20)}, "push"),
        ({**WELL, "listed": SequenceList(0, 400)}, None),
        ({**TRIED, **MISSED, "listed": SequenceList(0, 8)}, "push"),
        ({}, "ssh-config --write"),
    ],
)
def test_what_to_do_next(door: Door, state: dict[str, Any], step: str | None) -> None:
    """One thing, the most urgent, and as soon as a login has failed."""
    advised = next_step(look_at(pair(door, **state)))
    assert (advised and advised.short) == step


def test_while_somebody_knocks_there_is_nothing_to_do(door: Door) -> None:
    """Its state says ``failed`` until the door has opened: that is no failure yet."""
    store = pair(door, **{**TRIED, **MISSED})
    with locked(lock_file("box")):
        look = look_at(store)
        assert (words.port(look), next_step(look)) == ("knocking", None)
    look = look_at(store)
    assert words.port(look) == "did not open"
    assert next_step(look) is not None


def test_a_new_pairing_leads_to_its_first_login_step_by_step(door: Door) -> None:
    """First the Host block, then ssh itself, and after a login nothing more."""
    store = pair(door)
    assert "sshknock ssh-config box --write" in sshknock("status", "box").stdout
    assert sshknock("ssh-config", "box", "--write").returncode == 0
    assert sshknock("status").stdout.splitlines()[1].endswith("  ssh box")
    store.save(PairingState(PAIRING_ID, door.secret, PARAMETERS, **WELL))
    assert next_step(look_at(store)) is None


def test_one_pairing_is_shown_with_all_that_is_known(door: Door) -> None:
    """Every host, the keyring, both counters, the times in full; no secret."""
    pair(door, **WELL, rtt_ms=12)
    assert sshknock("set", "box", f"host={HOST},box.example").returncode == 0
    done = sshknock("status", "box")
    for word in (f"{HOST} port {door.port}, or box.example", "a private file", "7 opened last"):
        assert word in done.stdout
    for word in ("(2023-11-1", "12 ms", "0 sessions", "4"):
        assert word in done.stdout
    assert door.secret.hex() not in done.stdout


# Keyrings that cannot be read


class Locked:
    """A keyring that counts how often it was asked."""

    asked = 0

    def get(self, _name: str) -> str | None:
        """Refuse."""
        self.asked += 1
        raise KeyringUnavailable("the keyring is locked", "unlock it")

    def set(self, name: str, text: str) -> None:
        """Never reached."""
        raise AssertionError(name, text)

    def delete(self, name: str) -> None:
        """Never reached."""
        raise AssertionError(name)


def test_a_keyring_that_is_locked_is_asked_once_for_all_its_pairings(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hang for ten seconds each time; the problem is one, and each row has it."""
    keyring, good = Locked(), pair(door, "good").pairing
    opened: list[str] = []

    def open_keyring(recorded: str) -> Locked:
        opened.append(recorded)
        return keyring

    monkeypatch.setattr(
        "sshknock.client.status.looks.open_keyring",
        lambda recorded: (
            FileStore(keyring_folder(), SERVICE) if recorded == "file" else open_keyring(recorded)
        ),
    )
    pairings = [Pairing(f"n{i}", (HOST,), 22, "some:Ring", f"{i:016x}") for i in range(200)]
    found = reading.look_at([*pairings[:100], good, *pairings[100:]])
    assert (opened, keyring.asked) == (["some:Ring"], 1)
    assert [problem.message for problem in reading.problems(found)] == ["the keyring is locked"]
    assert [look.problem is None for look in found] == [False] * 100 + [True] + [False] * 100
    assert [row["name"] for row in reading.as_json(found)["pairings"]] == ["good"]


def test_the_row_of_a_pairing_without_its_keyring_says_so(door: Door) -> None:
    """The others are shown; exit 4, the problem and the hint once for two pairings."""
    pair(door, "good", **WELL)
    with config.changing() as known:
        for name in ("one", "two"):
            known.pairings[name] = Pairing(name, (HOST,), 22, "no.such:Ring", f"{len(name):016x}")
    done = sshknock("status")
    assert_says(done, 4, "cannot be loaded")
    _, good, one, two = done.stdout.splitlines()
    assert "hidden" in good
    assert "cannot be loaded" in one
    assert "cannot be loaded" in two


# Terminals


class Screen:
    """A terminal on which ``sshknock status`` runs."""

    def __init__(
        self, arguments: tuple[str, ...], columns: int, environment: dict[str, str]
    ) -> None:
        self._master, self.terminal = pty.openpty()
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        unset = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
        clean = {key: value for key, value in os.environ.items() if key not in unset}
        self.process = subprocess.Popen(
            ["/usr/bin/setsid", "--ctty", sys.executable, "-m", MODULE, "status", *arguments],
            env={**clean, "TERM": "xterm", **environment},
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
        )
        self.text = ""

    def read_until(self, words: str) -> None:
        """Read until these words have been shown since the last call."""
        self.text = ""
        while words not in self.text:
            assert select.select([self._master], [], [], 20)[0], f"only {self.text!r} came"
            self.text += os.read(self._master, 4096).decode()

    def read_all(self) -> str:
        """Return what is shown until it ends, colours and all."""
        text = ""
        while self.process.poll() is None or select.select([self._master], [], [], 0)[0]:
            if select.select([self._master], [], [], 0.05)[0]:
                text += os.read(self._master, 4096).decode()
        return text.replace("\r\n", "\n")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def close(self) -> None:
        """End what runs on it."""
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self._master)


@contextmanager
def screen(*arguments: str, columns: int = 80, **environment: str) -> Iterator[Screen]:
    """Run ``sshknock status`` on a terminal of its own."""
    opened = Screen(arguments, columns, environment)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize("columns", [200, 100, 80, 60])
def test_a_narrow_terminal_leaves_columns_out_and_folds_no_row(door: Door, columns: int) -> None:
    """What the row is about and what to do next are always there."""
    pair(door, "web-01", **TRIED, **MISSED)
    host = "web-01.eu-central.example"
    assert sshknock("set", "web-01", f"host={host}").returncode == 0
    with screen(columns=columns, NO_COLOR="1") as shown:
        head, row, *below = re.sub(r"\x1b\[[0-9;]*m", "", shown.read_all()).splitlines()
    assert len(head) <= columns
    assert row.startswith(f"web-01   {host}:{door.port}")
    assert row.endswith("doctor")
    assert ("sent" in head) == (columns > 80)
    assert any("sshknock doctor web-01" in line for line in below)


def test_colours_are_for_terminals_that_want_them(door: Door) -> None:
    """Yellow on what is to be done; none with NO_COLOR, and none in a pipe."""
    pair(door, **TRIED, **MISSED)
    with screen() as shown:
        assert "\x1b[33mdoctor" in shown.read_all()
    with screen(NO_COLOR="1") as shown:
        assert "\x1b[3" not in shown.read_all()
    assert "\x1b" not in sshknock("status").stdout


def test_a_pipe_gets_rows_and_nothing_else(door: Door) -> None:
    """No advice below, no spaces at the end of a line."""
    pair(door, **TRIED, **MISSED)
    lines = sshknock("status").stdout.splitlines()
    assert len(lines) == 2
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("end", ["q", "\x03", signal.SIGTERM])
def test_watch_shows_what_changes_and_gives_the_terminal_back(
    door: Door, end: str | signal.Signals
) -> None:
    """A login appears by itself; q, ^C and a TERM end it with 0; keys are echoed again."""
    store = pair(door, **WELL)
    with screen("--watch", "0.2") as shown:
        shown.read_until("hidden")
        assert not termios.tcgetattr(shown.terminal)[3] & termios.ECHO
        store.save(replace(store.load(), last_result=NOT_HIDDEN))
        shown.read_until("no knock needed")
        if isinstance(end, str):
            shown.type(end)
        else:
            shown.process.send_signal(end)
        assert shown.read_all().count("no knock needed") >= 1
        assert shown.process.returncode == 0
        assert termios.tcgetattr(shown.terminal)[3] & termios.ECHO


def test_watch_over_more_than_fits_shows_what_matters_first(door: Door) -> None:
    """Of fifty, the one that needs something is on the screen; how many are not is said."""
    for number in range(50):
        state = {**TRIED, **MISSED} if number == 40 else WELL
        pair(door, f"n{number}", **state)
    with screen("--watch") as shown:
        shown.read_until("more")
        assert shown.text.index("n40") < shown.text.index("n0 ")
        assert "and 30 more" in shown.text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--watch"], "terminal"),
        (["--watch", "box"], "terminal"),
        (["--watch", "0"], "watch"),
        (["--watch", "--json"], "neither"),
        (["--watch", "2", "--check"], "neither"),
    ],
)
def test_a_watch_that_cannot_be_is_exit_2(door: Door, arguments: list[str], word: str) -> None:
    """Not for pipes, not for programs; a bare ``--watch`` takes no name for a number."""
    pair(door)
    assert_says(sshknock("status", *arguments), 2, word)


# Asking the ports


def answered(*options: str) -> dict[str, str]:
    """Return what each port answered."""
    done = sshknock("status", "--check", "--json", *options)
    assert done.returncode == 0, done
    return {row["name"]: row["port_answered"] for row in json.loads(done.stdout)["pairings"]}


def test_check_asks_each_port_once_and_sends_no_knock(door: Door) -> None:
    """Refused, open and without an address; a table says the first is hidden. No counter moves."""
    stores = {name: pair(door, name, **WELL) for name in ("refused", "open", "nowhere", "busy")}
    before = {name: store.load() for name, store in stores.items()}
    with socket.create_server((HOST, 0)) as listening, locked(lock_file("busy")):
        with config.changing() as known:
            for name, host, port in (
                ("refused", HOST, free_port()),
                ("open", HOST, listening.getsockname()[1]),
                ("nowhere", "nowhere.invalid", 22),
            ):
                known.pairings[name] = replace(known.pairings[name], hosts=(host,), port=port)
        assert answered() == {
            "refused": "refused",
            "open": "open",
            "nowhere": "no address",
            "busy": "busy",
        }
        table = sshknock("status", "--check").stdout
        listening.accept()[0].close()
    assert re.search(r"^refused .* hidden ", table, re.MULTILINE)
    assert re.search(r"^open .* open .* see the server$", table, re.MULTILINE)
    assert {name: store.load() for name, store in stores.items()} == before
    assert door.trains == []


def test_check_does_not_take_the_place_of_a_login_that_is_let_in(door: Door) -> None:
    """While an admission may stand the port is not asked: a SYN would use it up."""
    pair(door, **{**WELL, "last_train": int(time.time())})
    assert answered() == {"box": "admitted"}
    assert door.accepted == 0


def test_the_json_of_status_has_no_other_keys_without_check(door: Door) -> None:
    """The interface is stable."""
    pair(door, **WELL)
    (row,) = json.loads(sshknock("status", "--json").stdout)["pairings"]
    assert list(row) == [
        *("name", "host", "port", "keyring", "confirmed", "sent", "sessions"),
        *("last_open", "last_result"),
    ]


def test_status_takes_several_names() -> None:
    """In the order in which they were asked for, each once; an unknown one is exit 3."""
    with Door() as door:
        for name in ("a", "b", "c"):
            pair(door, name)
    done = sshknock("status", "c", "a", "c", "--json")
    assert [row["name"] for row in json.loads(done.stdout)["pairings"]] == ["c", "a"]
    assert_says(sshknock("status", "a", "nobody"), 3, "nobody")
