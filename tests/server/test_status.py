"""What `status` shows to people and to programs."""

from __future__ import annotations

import calendar
import io
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sshknock.protocol.counters import COUNTER_LIMIT
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.server import hiding, moments
from sshknock.server import status as server_status
from sshknock.server.cli import status as command
from sshknock.server.cli import status_view
from sshknock.server.cli.program import program
from sshknock.server.config import Config
from sshknock.server.status import Line, Status, Visit
from sshknock.server.store import Guest, Pairing, Stage
from sshknock.server.strangers import TurnedAway
from sshknock.server.upkeep import Complaint
from sshknock.system.command_line import run_program

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))
PAIRING = Pairing(
    id=1,
    name="laptop",
    token_id="0123456789abcdef",
    secret=Secret(bytes(32)),
    parameters=Parameters(),
    hosts=("server.example",),
    port=22,
    next=13,
    last_open=NOON - 200,
    last_address="2001:db8:1:2:3:4:5:6",
    disabled=False,
    stage=Stage.CURRENT,
)
VISITS = (
    Visit(11, "192.0.2.7", 51515, NOON - 200),
    Visit(12, "2001:db8:1:2:3:4:5:6", None, NOON - 2),
)
NEW = replace(PAIRING, name="tablet", next=0, last_open=None, last_address=None)
STATUS = Status(
    at=NOON,
    config=Config("eth0"),
    exposed=False,
    hiding=hiding.for_good(0),
    exposure=None,
    guests=(Guest("198.51.100.1", NOON + 60, 60),),
    lines=(Line(PAIRING, 8, VISITS, rotating=False), Line(NEW, 8, (), rotating=False)),
    sweep_chance=1 / 687_431.9,
    complaints=(Complaint("no supervisor runs", "sshknock-server reconcile"),),
    problem=None,
    turned_away=TurnedAway(1234, NOON - 3600),
)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock goes as everybody's."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def shown(now: Status, width: int | None = None) -> list[str]:
    """What people see, line by line."""
    text = io.StringIO()
    console = Console(file=text, width=width or 500, highlight=False)
    console.print(status_view.picture(now, width), soft_wrap=True)
    return text.getvalue().splitlines()


def with_line(**changes: Any) -> Status:
    """A server with a single client, who is like this."""
    line = {"doors": 8, "running": (), "rotating": False}
    given = {name: changes.pop(name) for name in line.keys() & changes.keys()}
    return replace(STATUS, lines=(Line(replace(PAIRING, **changes), **{**line, **given}),))


def test_all_that_matters_is_seen_at_a_glance() -> None:
    """What is hidden, how often strangers tried, each client, what runs, and what to do next."""
    assert shown(STATUS) == [
        "Port 22 is hidden on eth0.",
        "Admitted: 198.51.100.1 until 2026-11-22 12:01:00.",
        "Note: no supervisor runs; 'sshknock-server reconcile' mends it.",
        "Settings: knockd, admit single, timeout 30 s.",
        "Turned away: 1 234 packets of strangers since 2026-11-22 11:00:00.",
        "A random sweep of all ports gets in once in 600 000 times at most.",
        "",
        "client  next  doors  running  last open  from                  to do",
        "laptop    13      8        2  3 min ago  2001:db8:1:2:3:4:5:6",
        "tablet     0      8        0  never      -                     enrol it with its token",
        "",
        "session  counter  from                  port          since",
        "laptop   11       192.0.2.7             51515         2026-11-22 11:56:40 (3 min)",
        "laptop   12       2001:db8:1:2:3:4:5:6  no login yet  2026-11-22 11:59:58 (2 s)",
    ]


def test_a_narrow_terminal_has_whole_names_and_fewer_columns() -> None:
    """Nothing is cut that somebody may want to copy; what to do stays."""
    lines = shown(STATUS, 59)
    assert "client  running  last open  to do" in lines
    assert "tablet        0  never      enrol it with its token" in lines
    assert "laptop   192.0.2.7             2026-11-22 11:56:40 (3 min)" in lines


@pytest.mark.parametrize(
    ("changes", "name", "to_do"),
    [
        ({"disabled": True}, "laptop (disabled)", "sshknock-server client enable laptop"),
        ({"rotating": True}, "laptop (rotating)", "enrol it with its new token"),
        ({"next": COUNTER_LIMIT - 3}, "laptop", "sshknock-server client rotate laptop"),
        ({"last_open": None}, "laptop", "enrol it with its token"),
    ],
)
def test_what_a_client_needs_is_said(changes: dict[str, Any], name: str, to_do: str) -> None:
    """Beside its name, as a command where there is one."""
    line = shown(with_line(**changes))[-1]
    assert line.startswith(f"{name}  ")
    assert line.endswith(f"  {to_do}")


def test_where_nothing_is_to_be_done_nothing_is_said() -> None:
    """No column of blanks, no table of no sessions, and no count that is none."""
    now = replace(with_line(), turned_away=TurnedAway(0, NOON))
    assert shown(now)[-2:] == [
        "client  next  doors  running  last open  from",
        "laptop    13      8        0  3 min ago  2001:db8:1:2:3:4:5:6",
    ]
    assert "No stranger was turned away yet." in shown(now)
    assert not any("stranger" in line for line in shown(replace(now, turned_away=None)))


def test_programs_get_numbers_and_addresses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The keys of the first version, and more: sessions, guests, and how the port is hidden."""

    @contextmanager
    def opened() -> Iterator[tuple[None, None]]:
        yield None, None

    on_trial = replace(STATUS, hiding=hiding.on_trial(NOON, 600))
    monkeypatch.setattr(command, "opened", opened)
    monkeypatch.setattr(server_status, "current", lambda _store, _config: on_trial)
    monkeypatch.setattr(sys, "argv", ["sshknock-server", "status", "--json"])
    assert run_program(program, "sshknock-server") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert (told["engine"], told["hidden"], told["exposed"]) == ("knockd", [22], False)
    assert (told["hiding"], told["trial_until"]) == ("trial", NOON + 600)
    assert told["turned_away"] == {"packets": 1234, "since": NOON - 3600}
    assert told["guests"] == [{"address": "198.51.100.1", "until": NOON + 60}]
    laptop, tablet = told["pairings"]
    assert (laptop["name"], laptop["next"], laptop["doors"], laptop["sessions"]) == (
        *("laptop", 13, 8, 2),
    )
    assert laptop["running"][0] == {
        "counter": 11,
        "address": "192.0.2.7",
        "port": 51515,
        "since": NOON - 200,
    }
    assert (tablet["last_open"], tablet["last_address"], tablet["running"]) == (None, None, [])


def test_watching_shows_it_again_until_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Into a pipe one after the other; ^C is how everybody ends it, and no failure."""
    looks = iter([STATUS, replace(STATUS, exposed=True)])
    paused: list[int] = []

    def look() -> Status:
        try:
            return next(looks)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(command, "_look", look)
    monkeypatch.setattr(time, "sleep", paused.append)
    monkeypatch.setattr(sys, "argv", ["sshknock-server", "status", "--json", "--watch", "7"])
    assert run_program(program, "sshknock-server") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["exposed"] for line in lines] == [False, True]
    assert paused == [7, 7]
    looks = iter([STATUS])
    monkeypatch.setattr(sys, "argv", ["sshknock-server", "status", "--watch"])
    assert run_program(program, "sshknock-server") == 0
    assert capsys.readouterr().out.count("Port 22 is hidden on eth0.\n") == 1
    assert paused == [7, 7, 2]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (4, "just now"),
        (59, "59 s ago"),
        (200, "3 min ago"),
        (7199, "1 h ago"),
        (86400, "1 day ago"),
        (3 * 86400, "3 days ago"),
    ],
)
def test_how_long_ago(seconds: int, said: str) -> None:
    """In one unit, rounded down; a clock that went back makes no time of less than none."""
    assert moments.ago(NOON - seconds, NOON) == said
    assert moments.ago(None, NOON) == "never"


@pytest.mark.parametrize(("number", "said"), [(687_431.9, "600 000"), (99, "90"), (1, "1")])
def test_a_figure_is_never_better_than_the_truth(number: float, said: str) -> None:
    """The chance of a sweep is told in one digit, rounded to the sweeper's advantage."""
    assert status_view.rounded_down(number) == said
