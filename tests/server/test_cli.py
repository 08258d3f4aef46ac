"""What `sshknock-server` says and asks, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from sshknock.errors import SystemFault
from sshknock.server import config as settings
from sshknock.server import hiding, interfaces, paths, setting_up
from sshknock.server import status as server_status
from sshknock.server.cli import doctor, render, setup
from sshknock.server.cli import status as status_command
from sshknock.server.cli.program import program
from sshknock.server.config import Config, Hook
from sshknock.server.doctor.finding import problem
from sshknock.server.engines.knockd import conf_file
from sshknock.server.exposures import Exposure
from sshknock.server.firewall import kernel
from sshknock.server.status import Status
from sshknock.server.store import Store
from sshknock.system.command_line import run_program
from tests.test_wrapping import terminal

CONFIG = Config(interface="eth0")
NONE: frozenset[Any] = frozenset()
BARE = kernel.TableState(None, 0, NONE, (), {}, NONE, NONE, {}, {}, NONE, {})


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinaryIO]:
    """The other end of a terminal that is the standard input."""
    leader, follower = os.openpty()
    with open(leader, "wb", buffering=0) as keys, open(follower) as stdin:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", stdin)
        yield keys


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that is not set up; whatever would change it fails the test."""
    for name in ("ETC", "STATE", "RUN"):
        monkeypatch.setattr(paths, name, tmp_path / name)
    monkeypatch.setattr(paths, "CONFIG_FILE", tmp_path / "ETC" / "server.toml")
    monkeypatch.setattr(setup, "require_root", lambda: None)
    monkeypatch.setattr(kernel, "read", lambda: None)
    monkeypatch.setattr(interfaces, "default_interface", lambda: "eth0")
    monkeypatch.setattr(setting_up, "check_machine", lambda _config: None)
    for name in ("set_up", "take_down"):
        monkeypatch.setattr(setting_up, name, lambda *_: pytest.fail("something was changed"))


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Fresh books, for the commands that look."""

    @contextmanager
    def opened() -> Iterator[tuple[Config, Store]]:
        with closing(Store(tmp_path / "state.db")) as store:
            yield CONFIG, store

    monkeypatch.setattr(render, "opened", opened)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the program in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["sshknock-server", *arguments])
    return run_program(program, "sshknock-server")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("command", ["init", "uninstall"])
def test_no_is_an_answer(
    command: str,
    keyboard: BinaryIO,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who answers no is told that nothing was changed, nothing was, and the exit code is 1."""
    if command == "uninstall":
        paths.ETC.mkdir()
    keyboard.write(b"n\n")
    assert run(monkeypatch, command) == 1
    told = capsys.readouterr()
    assert told.out.endswith("Nothing was changed.\n")
    assert told.err == ""


@pytest.mark.usefixtures("untouched")
def test_without_a_terminal_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a script `init` hides no port without --yes, and says so."""
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        assert run(monkeypatch, "init") == 2
    assert capsys.readouterr().err == (
        "sshknock: init asks before it hides port 22, and there is no terminal\n"
        "sshknock: hint: --yes answers\n"
    )


@pytest.mark.usefixtures("untouched")
def test_there_may_be_nothing_to_uninstall(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is set up `uninstall` asks nothing, changes nothing, and is content."""
    assert run(monkeypatch, "uninstall") == 0
    assert capsys.readouterr().out == "Nothing of sshknock is set up here.\n"


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("left", ["folder", "table"])
def test_what_was_left_behind_is_uninstalled(left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder or a table alone, without settings, is something to undo."""
    undone = []
    monkeypatch.setattr(setting_up, "take_down", lambda: undone.append(left))
    if left == "folder":
        paths.RUN.mkdir()
    else:
        monkeypatch.setattr(kernel, "read", lambda: BARE)
    assert run(monkeypatch, "uninstall", "--yes") == 0
    assert undone == [left]


@pytest.mark.usefixtures("untouched")
def test_a_moved_port_is_followed_through(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second `init` says which port is visible again, what changed, and where no sshd listens."""
    paths.ETC.mkdir()
    paths.CONFIG_FILE.touch()
    monkeypatch.setattr(settings, "load", lambda: CONFIG)
    monkeypatch.setattr(setup, "_nobody", lambda: None)
    monkeypatch.setattr(setup, "ports_in_use", lambda: {22})
    monkeypatch.setattr(setting_up, "unserved", lambda _config: ["laptop"])
    monkeypatch.setattr(setting_up, "set_up", lambda _config, _trial_s: None)
    monkeypatch.setattr(setting_up, "hiding_now", lambda: hiding.for_good(0))
    assert run(monkeypatch, "init", "--port", "2222", "--admit", "timed") == 0
    assert capsys.readouterr().out.splitlines() == [
        "Port 2222 is hidden on eth0; knockd listens.",
        "Port 22 is visible again.",
        "Changed: ports 22 -> 2222, admit single -> timed.",
        "Note: try a login before you leave: nobody has come in that way yet."
        " 'sshknock-server hide --trial 10m' shows the port again unless one does.",
        "Note: nothing listens on port 2222. Does sshd?",
        "Note: laptop was made for a port that is not hidden. Make a new one.",
    ]


@pytest.mark.usefixtures("untouched")
def test_a_large_network_is_told_of_when_it_is_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a slip of the pen; who has it already has been told."""
    paths.ETC.mkdir()
    paths.CONFIG_FILE.touch()
    now = [CONFIG]
    monkeypatch.setattr(settings, "load", lambda: now[0])
    monkeypatch.setattr(setup, "_nobody", lambda: None)
    monkeypatch.setattr(setup, "ports_in_use", lambda: {22})
    monkeypatch.setattr(setting_up, "unserved", lambda _config: [])
    monkeypatch.setattr(setting_up, "set_up", lambda config, _trial_s: now.insert(0, config))
    monkeypatch.setattr(setting_up, "hiding_now", lambda: hiding.for_good(0))
    note = "Note: 10.0.0.0/7 is large: everybody in it reaches sshd without a knock."
    assert run(monkeypatch, "init", "--always", "10.0.0.0/7", "--always", "fd00::/16") == 0
    assert note in capsys.readouterr().out.splitlines()
    assert run(monkeypatch, "init") == 0
    assert "large" not in capsys.readouterr().out


@pytest.mark.usefixtures("untouched")
def test_a_port_that_was_shown_is_not_hidden_by_the_way(
    keyboard: BinaryIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After `unhide` or a trial `init` asks before it hides the port again."""
    paths.ETC.mkdir()
    paths.CONFIG_FILE.touch()
    monkeypatch.setattr(settings, "load", lambda: CONFIG)
    monkeypatch.setattr(setup, "_nobody", lambda: None)
    monkeypatch.setattr(setting_up, "hiding_now", lambda: hiding.unhidden(0))
    keyboard.write(b"n\n")
    assert run(monkeypatch, "init") == 1
    told = capsys.readouterr().out
    assert "Port 22 is visible since 1970-01-0" in told
    assert told.endswith("Nothing was changed.\n")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_table_that_cannot_be_mended_is_not_said_to_hide(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, recorded: bool
) -> None:
    """Whether or not the books could be told of it: the port is visible, and the exit code 1."""
    exposure = Exposure(0, None, "nftables was flushed or reloaded", "the timer")

    @contextmanager
    def opened() -> Iterator[tuple[Config, None]]:
        yield CONFIG, None

    now = Status(
        at=0,
        config=CONFIG,
        exposed=True,
        hiding=hiding.for_good(0),
        exposure=exposure if recorded else None,
        guests=(),
        lines=(),
        sweep_chance=0,
        complaints=(),
        problem=SystemFault("nft refused the change"),
        turned_away=None,
    )
    monkeypatch.setattr(status_command, "opened", opened)
    monkeypatch.setattr(server_status, "current", lambda _store, _config: now)
    assert run(monkeypatch, "status") == 1
    told = capsys.readouterr()
    assert "is hidden" not in told.out
    assert told.out.startswith("Port 22 is visible")
    assert told.err == "sshknock: nft refused the change\n"


@pytest.mark.usefixtures("untouched")
def test_a_forced_command_must_go_before_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the program that sshd is told to force, nobody logs in: `uninstall` says so."""
    paths.ETC.mkdir()
    forced = replace(CONFIG, hook=Hook.FORCECOMMAND)
    monkeypatch.setattr(settings, "load", lambda: forced)
    monkeypatch.setattr(setting_up, "take_down", lambda: None)
    assert run(monkeypatch, "uninstall", "--yes") == 0
    assert "take the ForceCommand line out of sshd_config" in capsys.readouterr().out


@pytest.mark.usefixtures("untouched")
def test_uninstall_warns_of_a_saved_copy_of_our_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The next boot would hide the port again, for ever: also said when nothing else is left."""
    saved = tmp_path / "nftables.conf"
    saved.write_text("table inet sshknock {\n}\n")
    monkeypatch.setattr(paths, "SAVED_RULESETS", (saved,))
    monkeypatch.setattr(setting_up, "take_down", lambda: None)
    for _ in range(2):
        assert run(monkeypatch, "uninstall", "--yes") == 0
        warning, hint = capsys.readouterr().err.splitlines()
        assert warning.startswith(f"sshknock: warning: {saved} holds a copy of our table: ")
        assert hint.startswith("sshknock: hint: delete 'table inet sshknock { ... }'")
        paths.ETC.mkdir(exist_ok=True)


@pytest.mark.usefixtures("books")
def test_a_mistake_of_the_administrators_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`render --check` names the line that keeps knockd.conf from being brought up to date."""
    monkeypatch.setattr(conf_file, "read", lambda: "[lamp]\n    sequens = 1,2,3\n")
    assert run(monkeypatch, "render", "--check") == 1
    assert "line 2 has an unknown directive 'sequens'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--henon-a", "--henon-b", "--threshold"])
@pytest.mark.usefixtures("untouched")
def test_a_coefficient_is_for_the_map_that_has_it(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With another protocol source it would be stored, and mean nothing."""
    assert run(monkeypatch, "client", "add", "bob", "--protocol-source", "chua", option, "0.3") == 2
    said = capsys.readouterr().err
    assert said == f"sshknock: {option} is for --protocol-source henon, not chua\n"
    assert run(monkeypatch, "client", "add", "bob", option, "0.3") == 1, "it is not set up"


def test_at_a_terminal_the_doctors_lines_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken at its width, between words, and no command is torn apart."""
    found = problem(
        "Port 22 is visible: our table is gone, or somebody changed it.",
        "'sshknock-server reconcile'; and look who did it: 'nft monitor'",
    )
    monkeypatch.setattr(doctor, "require_root", lambda: None)
    monkeypatch.setattr(doctor, "examine", lambda: iter([("port", found)]))
    with terminal(50) as (stream, master):
        monkeypatch.setattr(sys, "stdout", stream)
        assert run(monkeypatch, "doctor") == 1
        stream.flush()
        monkeypatch.undo()
        shown = b""
        while b"Problems" not in shown:
            shown += os.read(master, 4096)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines() == [
        "problem  Port 22 is visible: our table is gone, or",
        "         somebody changed it.",
        "         to do: 'sshknock-server reconcile'; and",
        "                look who did it: 'nft monitor'",
        "Problems: 1.",
    ]


def test_an_early_interrupt_shows_no_traceback() -> None:
    """^C while the program is still being loaded ends it as at any other time."""
    early = (
        "import sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from sshknock.server.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", early], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "\nsshknock: interrupted\n")
