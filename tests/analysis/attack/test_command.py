"""``sshknock analyze --attack``: on files of ``generate --seed time``, and as a demonstration."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sshknock.analysis.attack import given
from sshknock.analysis.attack.clock import CLOCKS
from sshknock.analysis.attack.demonstration import demonstrate
from sshknock.analysis.attack.sections import of_demonstration
from sshknock.analysis.report import text
from sshknock.cli import main
from sshknock.protocol.parameters import Parameters

Run = Callable[..., tuple[int, str, str]]
READ = "1491557602.482913"
SEED_IN_MS = "1491557602482"
AROUND = "2017-04-07T09:33:22Z"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return how a command is run in this process: exit code, output, messages."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(given, "SEEDS_AT_MOST", 5000)  # seconds and milliseconds are enough

    def command(*arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sshknock", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin.encode())))
        code = main()
        return code, *capsys.readouterr()

    return command


@pytest.fixture
def file(run: Run, tmp_path: Path) -> Path:
    """Return a file whose seed is a time in milliseconds; the file has that time, too."""
    made = tmp_path / "sequences"
    seed = ("--seed", "time", "--seed-function", "milliseconds", "--seed-time", READ)
    assert run("generate", *seed, "-o", made)[0] == 0
    os.utime(made, (float(READ), float(READ)))
    return made


def rows(output: str) -> dict[str, Any]:
    """Return the rows of a report in JSON by their keys."""
    sections = json.loads(output)["reports"][0]["sections"]
    return {row["key"]: row for section in sections for row in section["measures"]}


def test_a_file_gives_its_seed_away_and_the_next_line(run: Run, file: Path) -> None:
    """The file's own time is where the search begins; other functions of the clock find nothing."""
    code, output, messages = run("analyze", "--attack", "--json", file)
    assert (code, messages) == (0, "")
    found = rows(output)
    assert found["given.milliseconds"]["holds"] is False
    said = found["given.milliseconds"]["meaning"]
    first, second = (line.strip() for line in file.read_text().splitlines()[:2])
    assert f"{first} was seen. Seed {SEED_IN_MS} found after" in said
    assert f"next sequence predicted: {second}; it is the next line of the file: yes" in said
    assert found["given.seconds"]["holds"] is True
    assert found["given.nanoseconds"]["value"] == "not tried"


def test_a_train_is_attacked_wherever_it_stands(run: Run, file: Path) -> None:
    """The third line, seen alone, with the time in words: found among the first three lines."""
    third, fourth = (line.strip() for line in file.read_text().splitlines()[2:4])
    options = ("--around", AROUND, "--seed-function", "milliseconds", "--json")
    code, output, _ = run("analyze", "--attack", "--train", third, "--lines", "3", *options)
    assert code == 0
    said = rows(output)["given.milliseconds"]["meaning"]
    assert f"the train is line 3 of its file; next sequence predicted: {fourth}." in said
    output = run("analyze", "--attack", "--train", third, *options)[1]
    assert rows(output)["given.milliseconds"]["value"].startswith("nothing in ")


@pytest.mark.parametrize(
    "wrong",
    [
        ("--around", "2017-04-07T09:34:22Z"),
        ("--ports", "2000-65000"),
        ("--keep-weak", "--knocks", "3-7"),
    ],
)
def test_wrong_ideas_find_nothing_and_it_says_what_may_be_wrong(
    run: Run, file: Path, wrong: tuple[str, ...]
) -> None:
    """Another time, another range, other lengths: no seed, and no claim that there is none."""
    code, output, _ = run("analyze", "--attack", file, *wrong)
    assert code == 0
    words = " ".join(output.split())
    assert "Nothing was found. Either the seed was no clock; or" in words
    assert "this cannot tell" in words


@pytest.mark.parametrize("made", [(), ("--port-source", "mt19937")])
def test_a_file_of_a_secret_gives_nothing_away(
    run: Run, tmp_path: Path, made: tuple[str, ...]
) -> None:
    """What generate makes of 256 bits, with the paper's generator too."""
    file = tmp_path / "ours"
    assert run("generate", "--seed", bytes(range(32)).hex(), *made, "-o", file)[0] == 0
    found = rows(run("analyze", "--attack", "--json", file)[1])
    assert all(row["holds"] for row in found.values() if row["value"] != "not tried")


def test_standard_input_is_read_as_a_file(run: Run, file: Path) -> None:
    """Its time is not known, so it has to be said."""
    options = ("--around", READ, "--seed-function", "milliseconds")
    code, output, _ = run("analyze", "--attack", "-", *options, stdin=file.read_text())
    assert code == 0
    assert SEED_IN_MS in output


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (("--train", "11045:tcp"), "--train is for --attack", ""),
        (("--attack", "--lines", "2"), "--lines is for a FILE or a --train", ""),
        (("--attack", "--nist"), "--nist does not go with --attack", ""),
        (("--attack", "--train", "x"), "no sequence", "11045:tcp"),
        (("--attack", "--train", ""), "that is no train", "11045:tcp"),
        (("--attack", "--train", "1:tcp,2:udp,3:udp"), "port 1", "--ports"),
        (("--attack", "--train", "5000:tcp"), "1 knocks, not 3 to 6", "--knocks"),
        (("--attack", "--train", "5000:tcp", "f"), "a FILE and a --train", "leave one"),
        (("--attack", "-", "--around", "noon"), "no moment", "Unix seconds"),
        (("--attack", "-", "--within", "soon"), "no time", "30s"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, options: tuple[str, ...], message: str, hint: str
) -> None:
    """One line and what to do about it; nothing is searched."""
    code, output, messages = run("analyze", *options, stdin=" 5000:tcp,6000:udp,7000:tcp\n")
    assert (code, output) == (2, "")
    assert message in messages
    assert hint in messages


def test_a_file_without_sequences_is_told(run: Run, tmp_path: Path) -> None:
    """There is nothing to attack."""
    empty = tmp_path / "empty"
    empty.write_text("# nothing yet\n")
    code, output, messages = run("analyze", "--attack", empty)
    assert (code, output) == (1, "")
    assert "there is no sequence in it" in messages


def test_the_demonstration_finds_all_clocks_and_no_secret() -> None:
    """In small: every seed function falls, a pairing's secret and a system's seed do not."""
    parameters = Parameters(knocks_min=3)
    heard: list[str] = []
    made = demonstrate(
        1_491_557_602_482_913_204, bytes(range(32)), parameters, 4_000_000, heard.append
    )
    assert [trial.name for trial in made.by_clock] == list(CLOCKS)
    for trial in (*made.by_clock, *made.within_a_minute, made.later_line, made.control):
        assert trial.attempt.match is not None, trial.name
        assert trial.attempt.predicted == trial.victim.following
    assert made.derivation.attempt.match is None
    assert made.system.attempt.match is None
    assert len(heard) >= len(CLOCKS)

    report = of_demonstration(made, parameters)
    told = [str(line) for line in text.lines([report], 80)]
    assert max(map(len, told)) <= 80
    assert sum("it is the next line of the file: no" in line for line in told) == 0
    assert any("extrapolated, not run" in line for line in told)
