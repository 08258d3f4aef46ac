"""The program ``sshknock``: what it does, says and returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sshknock import __version__
from sshknock.client import config
from sshknock.client.keyrings.file import FileStore, keyring_folder
from sshknock.client.state import NOT_HIDDEN
from sshknock.protocol.counters import ClientCounters
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Purpose
from sshknock.protocol.parameters import Parameters
from sshknock.records import replace
from tests.client.conftest import (
    MODULE,
    SECRET,
    assert_says,
    enroll,
    pair,
    run_code,
    run_program,
    sshknock,
)
from tests.client.door import HOST, Door, free_port

# open, close


def test_open_by_hand_confirms_what_answers_and_close_closes_it(door: Door) -> None:
    """The identification is shown, the counter is confirmed, and ``close`` uses that one."""
    store = pair(door)
    done = sshknock("open", "box")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SSH-2.0-fake" in done.stdout
    counters = store.load().counters
    assert (counters.confirmed, counters.sent) == (0, 0)
    assert sshknock("close", "box").returncode == 0
    assert door.wait_for(lambda: door.closed == [0])


def test_open_blind_does_not_connect(door: Door) -> None:
    """The train is sent and counted; whether it opened is not claimed."""
    store = pair(door)
    done = sshknock("open", "box", "--blind")
    assert done.returncode == 0
    assert "not looked at" in done.stdout
    assert door.wait_for(lambda: door.trains == [0])
    assert (door.accepted, store.load().counters) == (0, ClientCounters().next(0, 8)[1])


def test_open_that_does_not_open_is_exit_5() -> None:
    """One attempt, said so."""
    with Door(accept_from=100) as door:
        pair(door)
        assert_says(sshknock("open", "box"), 5, "did not open", "1 attempt")
        assert door.trains == [0]


def test_close_before_any_open_is_exit_1(door: Door) -> None:
    """There is no confirmed counter to close."""
    pair(door)
    assert_says(sshknock("close", "box"), 1, "never opened")


# status, set, ssh-config


def test_status_shows_the_others_when_one_cannot_be_read(token: Path, door: Door) -> None:
    """The good rows, then the error of the bad one with its exit code."""
    pair(door, "good")
    FileStore(keyring_folder(), "sshknock").set("bad", "{")
    with config.changing() as known:
        good = known.pairings["good"]
        known.pairings["bad"] = type(good)("bad", good.hosts, good.port, "file", "f" * 16)
    done = sshknock("status", "--json")
    assert [row["name"] for row in json.loads(done.stdout)["pairings"]] == ["good"]
    assert_says(done, 1, "'bad'")
    assert token.exists()


def test_the_table_of_status_has_a_line_a_pairing(token: Path) -> None:
    """For people and for grep."""
    enroll(token)
    rows = sshknock("status").stdout.splitlines()
    assert len(rows) == 2
    assert " ".join(rows[0].split()) == "pairing server port last login running opened sent next"
    for word in ("box", "192.0.2.7:2222", "never", "ssh-config --write"):
        assert word in rows[1]


@pytest.mark.parametrize("columns", ["80", "30"])
def test_status_folds_and_cuts_no_host_name(token: Path, columns: str) -> None:
    """However narrow the terminal: it breaks the line itself, and the name can be copied."""
    enroll(token)
    host = "ssh.gateway-02.eu-central.compute.provider.example"
    assert sshknock("set", "box", f"host={host}").returncode == 0
    environment = {**os.environ, "COLUMNS": columns, "FORCE_COLOR": "1", "TERM": "xterm"}
    rows = run_program(MODULE, "status", env=environment).stdout.splitlines()
    assert len(rows) == 2
    assert f"{host}:2222" in rows[1]


def test_a_login_that_needed_no_knock_is_called_so(door: Door) -> None:
    """For people: it may be the server that shows the port, or one that always lets us in."""
    pair(door, last_result=NOT_HIDDEN)
    assert "no knock needed" in sshknock("status").stdout.splitlines()[1]
    (row,) = json.loads(sshknock("status", "--json").stdout)["pairings"]
    assert row["last_result"] == "not hidden"


def test_set_changes_hosts_and_port(token: Path, home: Path) -> None:
    """The settings and the written Host block follow; anything else is refused."""
    enroll(token)
    assert sshknock("ssh-config", "--write").returncode == 0
    done = sshknock("set", "box", "host=h.example,192.0.2.8", "port=22")
    conf = home / ".ssh/sshknock.conf"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["box: h.example, 192.0.2.8 port 22", f"wrote {conf}"]
    pairing = config.load().pairings["box"]
    assert (pairing.hosts, pairing.port) == (("h.example", "192.0.2.8"), 22)
    assert "HostName h.example" in conf.read_text()
    assert "wrote" not in sshknock("set", "box", "port=22").stdout
    for bad in ("host=", "host=a b", "port=0", "port=ssh", "colour=red", "host"):
        assert_says(sshknock("set", "box", bad), 2)
    assert_says(sshknock("set", "nobody", "port=22"), 3)
    assert config.load().pairings["box"] == pairing


def test_ssh_config_prints_the_blocks(token: Path, home: Path) -> None:
    """Without ``--write`` nothing is touched."""
    enroll(token)
    block = sshknock("ssh-config", "box").stdout
    assert block.startswith("Host box\n    HostName 192.0.2.7\n    Port 2222\n    ProxyCommand ")
    assert not (home / ".ssh").exists()


def test_host_blocks_that_are_written_at_once_are_all_kept(token: Path, home: Path) -> None:
    """Each run sees what the one before it wrote."""
    enroll(token, "one")
    with config.changing() as known:
        first = known.pairings["one"]
        for i in range(3):
            known.pairings[f"n{i}"] = replace(first, name=f"n{i}", pairing_id=f"{i:016x}")
    names = list(config.load().pairings)
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda name: sshknock("ssh-config", name, "--write"), names))
    assert [run.returncode for run in runs] == [0] * len(names)
    text = (home / ".ssh/sshknock.conf").read_text()
    assert all(f"Host {name}\n" in text for name in names)
    assert (home / ".ssh/config").read_text().count("Include") == 1


# derive


@pytest.fixture
def secret_file(home: Path) -> Path:
    """Return the file of a secret, which may end in a newline."""
    path = home / "secret"
    path.write_text(SECRET.hex() + "\n")
    return path


def test_derive_prints_what_the_protocol_derives(secret_file: Path) -> None:
    """As JSON, and for people in the paper's notation."""
    expected = derive(SECRET, Purpose.CLOSE, 7, Parameters(port_max=9000, knocks_min=5))
    options: list[str | int | Path] = ["--secret-file", secret_file, "--counter", 7]
    options += ["--purpose", "close"]
    options += ["--ports", "3000-9000", "--knocks", "5-6"]
    assert json.loads(sshknock("derive", *options, "--json").stdout) == {
        "counter": 7,
        "purpose": "close",
        "sequence": [[knock.port, knock.transport.value] for knock in expected],
    }
    assert sshknock("derive", *options).stdout == " ".join(map(str, expected)) + "\n"


@pytest.mark.parametrize(
    "options",
    [
        ["--henon-a", "1.0"],
        ["--henon-a", "1.5"],
        ["--henon-b", "0.5"],
        ["--threshold", "5"],
        ["--threshold", "nan"],
        ["--ports", "3000-3004"],
        ["--ports", "3000"],
        ["--ports", "9-3"],
        ["--ports", "0-70000"],
        ["--knocks", "1-2"],
        ["--exclude", "80,x"],
        ["--ports", "3000-3012", "--exclude", "3000,3001,3002"],
        ["--counter", "-1"],
    ],
)
def test_derive_refuses_what_cannot_work(secret_file: Path, options: list[str]) -> None:
    """It is the command that is wrong: exit 2, with the reason in one line."""
    given = ["--secret-file", str(secret_file), "--counter", "0", *options]
    assert_says(sshknock("derive", *given), 2)


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "0" * 65, "zz" * 32])
def test_derive_refuses_what_is_no_secret(home: Path, text: str) -> None:
    """Exit 1, and the text is not shown."""
    path = home / "secret"
    path.write_text(text)
    done = sshknock("derive", "--secret-file", path, "--counter", 0)
    assert_says(done, 1, "64 hexadecimal digits")
    assert not text or text not in done.stderr
    assert_says(sshknock("derive", "--secret-file", home / "none", "--counter", 0), 1)


# The program itself


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["open"],
        ["open", "a", "b"],
        ["status", "--yaml"],
        ["enroll", "box", "--token-file", "-", "--keyring", "cloud"],
        ["derive", "--secret-file", "-", "--counter", "seven"],
    ],
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str]) -> None:
    """In our own words' form: one line and a hint."""
    assert_says(sshknock(*arguments), 2, "--help")


def test_an_enrolment_by_no_way_is_told_both() -> None:
    """Neither --via nor --token-file: the hint says what each is for."""
    assert_says(sshknock("enroll", "box"), 2, "--via [USER@]HOST", "--token-file FILE")


@pytest.mark.parametrize("command", ["open", "close", "forget", "status", "ssh-config"])
def test_an_unknown_pairing_is_exit_3(command: str) -> None:
    """For every command that takes a name."""
    assert_says(sshknock(command, "nobody"), 3, "nobody")


def test_help_and_version() -> None:
    """Help for the program and for every command, and without a command as well."""
    assert sshknock("--version").stdout == f"sshknock {__version__}\n"
    for arguments in ([], ["--help"], ["enroll", "--help"], ["open", "-h"]):
        done = sshknock(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Usage: sshknock")


def test_help_is_plain_ascii() -> None:
    """It has to appear on every terminal."""
    for command in ("forget", "set", "derive", "enroll"):
        assert sshknock(command, "--help").stdout.isascii()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_three_shells(shell: str) -> None:
    """The script names the program and the variable that it calls it with."""
    text = sshknock("completion", shell).stdout
    assert "_SSHKNOCK_COMPLETE" in text
    assert "sshknock" in text


def test_names_of_pairings_are_completed(token: Path) -> None:
    """`sshknock open b<Tab>` finds the pairing."""
    enroll(token)
    environment = {"_SSHKNOCK_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    done = run_program(MODULE, env={**os.environ, **environment, "COMP_WORDS": "sshknock open b"})
    assert done.stdout == "plain,box\n"


def test_a_broken_config_breaks_no_completion(home: Path) -> None:
    """Tab never prints an error."""
    path = config.config_file()
    path.parent.mkdir(parents=True)
    path.write_text("?")
    environment = {"_SSHKNOCK_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    done = run_program(MODULE, env={**os.environ, **environment, "COMP_WORDS": "sshknock open b"})
    assert (done.stdout.strip(), done.stderr) == ("", "")
    assert home.exists()


def test_a_fault_of_our_own_is_one_line(home: Path) -> None:
    """Whatever is raised: no traceback, unless it is asked for."""
    code = (
        "import sys; from sshknock import cli; from sshknock.client import config\n"
        "def fail(): raise ZeroDivisionError('deep inside')\n"
        "config.load = fail; sys.argv = ['sshknock', 'status']; sys.exit(cli.main())"
    )
    done = run_code(code)
    assert_says(done, 1, "unexpected ZeroDivisionError", "report")
    assert "Traceback" in run_code(code, SSHKNOCK_DEBUG="1").stderr
    assert home.exists()


def test_a_full_disk_under_the_output_is_one_line(token: Path) -> None:
    """`status > /dev/full`: no fault of ours, and no second complaint at the very end."""
    enroll(token)
    for options in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", MODULE, "status", *options],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert_says(done, 1, "cannot write the output: No space left on device")


def test_a_host_that_is_not_there_is_named(token: Path) -> None:
    """Nothing listens: the message names host and port."""
    enroll(token)
    port = free_port()
    assert sshknock("set", "box", f"host={HOST}", f"port={port}").returncode == 0
    assert_says(sshknock("open", "box"), 5, HOST, str(port))
