"""What happened, told to people and to programs."""

from __future__ import annotations

import calendar
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sshknock.errors import UsageError
from sshknock.server import history
from sshknock.server.cli import log as command
from sshknock.server.cli.program import program
from sshknock.server.config import Config, NotSetUp
from sshknock.server.store import KINDS, WARNINGS, Event, Store
from sshknock.system.command_line import run_program
from tests.lab.waiting import eventually

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))
DOCUMENT = Path(__file__).parents[2] / "docs" / "log.md"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock goes as everybody's."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Fresh books, which the command reads."""
    path = tmp_path / "state.db"

    @contextmanager
    def reading() -> Iterator[Store]:
        with closing(Store(path)) as store:
            yield store

    monkeypatch.setattr(command, "reading", reading)
    monkeypatch.setattr(command, "load", lambda: Config("eth0"))
    return path


@pytest.fixture
def visits(books: Path) -> Path:
    """Books of two clients, one of whom came twice, the second time by IPv6."""
    with closing(Store(books)) as store, store.transaction():
        store.record("settings-changed", NOON, detail="admit = single -> timed")
        laptop: dict[str, Any] = {"pairing": "laptop", "address": "192.0.2.7", "counter": 12}
        store.record("open", NOON + 60, **laptop)
        store.record("login", NOON + 61, detail="from port 50000", **laptop)
        phone: dict[str, Any] = {"pairing": "phone", "address": "198.51.100.1", "counter": 3}
        store.record("open", NOON + 90, **phone)
        store.record("close", NOON + 120, detail="after 1 min", **laptop)
        store.record("unused", NOON + 125, detail="nobody logged in", **phone)
        v6: dict[str, Any] = {"pairing": "laptop", "address": "2001:db8::7", "counter": 13}
        store.record("open", NOON + 3600, **v6)
    return books


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run `sshknock-server log` in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["sshknock-server", "log", *arguments])
    return run_program(program, "sshknock-server")


@pytest.mark.usefixtures("books")
def test_a_fresh_log_says_that_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Silence would leave it open whether the log works; programs get no line at all."""
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == "Nothing has happened yet.\n"
    assert run(monkeypatch, "--json") == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("visits")
def test_the_log_has_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, addresses and details stand under each other, whether an event has them or not."""
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-11-22 12:00:00  settings changed                        admit = single -> timed",
        "2026-11-22 12:01:00  open              laptop  192.0.2.7     counter 12",
        "2026-11-22 12:01:01  login             laptop  192.0.2.7     counter 12, from port 50000",
        "2026-11-22 12:01:30  open              phone   198.51.100.1  counter 3",
        "2026-11-22 12:02:00  close             laptop  192.0.2.7     counter 12, after 1 min",
        "2026-11-22 12:02:05  unused            phone   198.51.100.1  counter 3, nobody logged in",
        "2026-11-22 13:00:00  open              laptop  2001:db8::7   counter 13",
    ]


@pytest.mark.usefixtures("visits")
@pytest.mark.parametrize(
    ("asked", "counters"),
    [
        (["--client", "LAPTOP", "--event", "open"], [12, 13]),
        (["--address", "192.0.2.0/24"], [12, 12, 12]),
        (["--address", "2001:db8::7"], [13]),
        (["--event", "settings changed"], [None]),
        (["--event", "unused", "--event", "close"], [12, 3]),
        (["--since", "2026-11-22 12:02"], [12, 3, 13]),
        (["--since", "2026-11-22T12:02:05Z", "--client", "phone"], [3]),
        (["-n", "2"], [3, 13]),
        (["-n", "1", "--client", "phone"], [3]),
        (["-n", "all"], [None, 12, 12, 3, 12, 3, 13]),
        (["--client", "nobody"], []),
    ],
)
def test_one_can_ask_for_a_part(
    asked: list[str],
    counters: list[int | None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By client, address, network, event, time and number, and by several of them at once."""
    assert run(monkeypatch, "--json", *asked) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["counter"] for line in lines] == counters


@pytest.mark.usefixtures("visits")
def test_a_line_for_programs_is_whole_and_stable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every key is always there, and `docs/log.md` has them all."""
    assert run(monkeypatch, "--json", "--event", "login") == 0
    line = json.loads(capsys.readouterr().out)
    assert line == {
        "id": 3,
        "time": NOON + 61,
        "iso": "2026-11-22T12:01:01Z",
        "event": "login",
        "pairing": "laptop",
        "address": "192.0.2.7",
        "counter": 12,
        "detail": "from port 50000",
    }
    documented = set(
        re.findall(r"^\| `(\w+)` \| [^|]* \| [^|]* \|$", DOCUMENT.read_text(), re.MULTILINE)
    )
    assert documented == line.keys()


def test_every_event_is_documented() -> None:
    """The page knows each by the name that programs see, and no other."""
    assert set(re.findall(r"(?m)^\| `([\w-]+)` \|[^|]*\|$", DOCUMENT.read_text())) == set(KINDS)
    assert set(KINDS) >= WARNINGS


@pytest.mark.usefixtures("visits")
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["-n", "0"], "'0' is no number of lines, and not 'all'"),
        (["-n", "many"], "'many' is no number of lines"),
        (["--event", "opn"], "nothing is called 'opn'; there are open, login, "),
        (["--since", "yesterday"], "'yesterday' is no moment"),
        (["--address", "10.0.0.1/8"], "'10.0.0.1/8' has bits beyond its prefix"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    asked: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a line that names it, a hint, and exit code 2."""
    assert run(monkeypatch, *asked) == 2
    line, hint = capsys.readouterr().err.splitlines()
    assert told in line
    assert hint.startswith("sshknock: hint: ")


def test_times_ago_are_counted_from_now() -> None:
    """In seconds, minutes, hours and days; a time that no clock can show is refused."""
    assert [NOON - history.parse_since(t, NOON) for t in ("5s", "2m", "1h", "3d")] == [
        *(5, 120, 3600, 259200)
    ]
    with pytest.raises(UsageError):
        history.parse_since("0001-01-01", NOON)


def test_following_shows_what_is_asked_for_as_it_happens(
    visits: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """From the last lines on, until the server is set up no more."""
    installed = threading.Event()
    installed.set()

    def load() -> None:
        if not installed.is_set():
            raise NotSetUp("this server is not set up")

    monkeypatch.setattr(command, "load", load)
    monkeypatch.setattr(command, "_PERIOD_S", 0.01)
    code: list[int] = []
    asked = ("--json", "-n", "1", "--event", "open", "--follow")
    reader = threading.Thread(target=lambda: code.append(run(monkeypatch, *asked)))
    reader.start()
    shown = ""

    def seen(counter: int) -> bool:
        nonlocal shown
        shown += capfd.readouterr().out
        return f'"counter": {counter}' in shown

    eventually(lambda: seen(13), "the last line")
    with closing(Store(visits)) as store, store.transaction():
        store.record("end", NOON, pairing="laptop", counter=13)
        store.record("open", NOON, pairing="laptop", counter=14)
    eventually(lambda: seen(14), "a new line")
    installed.clear()
    reader.join(10)
    assert code == [1]
    assert [json.loads(line)["counter"] for line in shown.splitlines()] == [13, 14]


def test_a_line_in_a_narrow_terminal_hangs_below_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken between words; what should be looked at is red, unless people want no colours."""
    monkeypatch.setattr(command, "hangs", lambda line, *, hang: f"{line[:60]}\n{' ' * hang}...")
    monkeypatch.delenv("NO_COLOR", raising=False)
    event = Event(1, NOON, "exposed", None, None, None, "since some time after 11:00: gone")
    (line,) = command.Columns().lines([event])
    assert line.startswith("2026-11-22 12:00:00  \x1b[31mexposed\x1b[0m  since")
    assert line.endswith(f"\n{' ' * 21}...")
    monkeypatch.setenv("NO_COLOR", "1")
    (line,) = command.Columns().lines([event])
    assert "\x1b" not in line
