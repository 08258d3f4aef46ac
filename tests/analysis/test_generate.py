"""``sshknock generate``: what it makes, writes, says and refuses."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sshknock.analysis.attack.scheme import PaperScheme, paper_recipe
from sshknock.cli import main
from sshknock.protocol.knocks import is_weak
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.sequence_file import Line, parse, render

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return how the command is run in this process: exit code, output, messages."""

    def run(*arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sshknock", "generate", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main()
        return code, *capsys.readouterr()

    return run


def test_the_output_is_a_sequence_file_as_the_paper_shows_one(generate: Run) -> None:
    """Six lines (figure 7) of three to six knocks of ports 3000-65000, each with a space before."""
    code, out, messages = generate()
    assert (code, messages) == (0, "")
    lines = parse(out)
    assert len(lines) == 6
    assert render(lines) == out
    for line in lines:
        assert 3 <= len(line.sequence) <= 6
        assert all(3000 <= knock.port <= 65000 for knock in line.sequence)
        assert not is_weak(line.sequence)
        assert not line.used


def test_each_run_gives_other_sequences(generate: Run) -> None:
    """The paper's requirement (a), from the operating system's numbers."""
    assert generate()[1] != generate("--seed", "system")[1]


def test_a_seed_of_digits_gives_the_same_each_time(generate: Run) -> None:
    """And a longer file begins as a shorter one does."""
    _, short, _ = generate("--seed", "c0ffee", "--count", "3")
    _, long, _ = generate("--seed", "C0FFEE", "--count", "5000")
    assert short == "".join(long.splitlines(keepends=True)[:3])
    assert len(parse(long)) == 5000


def test_a_secret_seed_is_read_of_a_file_or_of_standard_input(
    generate: Run, tmp_path: Path
) -> None:
    """It is the same seed as on the command line, and is not repeated when it is damaged."""
    (tmp_path / "seed").write_text("00ff\n")
    expected = generate("--seed", "00ff")[1]
    assert generate("--seed-file", tmp_path / "seed")[1] == expected
    assert generate("--seed-file", "-", stdin="00ff\n")[1] == expected
    code, out, messages = generate("--seed-file", "-", stdin="00ff0\n")
    assert (code, out) == (1, "")
    assert "hexadecimal" in messages
    assert "00ff0" not in messages


def test_a_seed_of_the_clock_is_the_papers_scheme(generate: Run) -> None:
    """A moment and a function give what anybody can compute: the attack's own lines."""
    moment = ("--seed", "time", "--seed-function", "microseconds", "--seed-time", "1491555612.5")
    code, out, messages = generate(*moment, "--steps", "1", "--keep-weak", "--count", "50")
    scheme = PaperScheme(paper_recipe(Parameters(knocks_min=3)))
    theirs = [line for line, _ in zip(scheme.lines(1_491_555_612_500_000), range(50), strict=False)]
    assert code == 0
    assert out == render(Line(sequence) for sequence in theirs)
    assert "a clock can be guessed, and each run draws the same protocols" in messages
    assert "hint: for experiments only: sshknock analyze --attack FILE guesses it" in messages


def test_the_clock_itself_gives_other_sequences_each_time(generate: Run) -> None:
    """Its digits go on by themselves; the protocols of both runs begin alike."""
    first, second = (generate("--seed", "time", "--keep-weak")[1] for _ in range(2))
    assert first != second
    protocols = [
        [k.transport for line in parse(out) for k in line.sequence] for out in (first, second)
    ]
    assert protocols[0][:18] == protocols[1][:18]


def test_every_parameter_of_the_paper_changes_what_comes_out(generate: Run) -> None:
    """Seed function, its digits, range, a, b, threshold, how many knocks, generators, distance."""
    clock = ("--count", "50", "--seed", "time", "--seed-time", "1491555612.345678901")
    outputs = [
        generate(*clock, *more)[1]
        for more in (
            (),
            ("--seed-function", "seconds"),
            ("--seed-digits", "1"),
            ("--ports", "1024-65535"),
            ("--knocks", "4-5"),
            ("--exclude", ",".join(map(str, range(3000, 13000)))),
            ("--henon-a", "1.39"),
            ("--henon-b", "0.29"),
            ("--threshold", "0.2"),
            ("--start", "0.01,0"),
            ("--steps", "1"),
            ("--port-source", "hmac"),
            ("--protocol-source", "chua"),
            ("--keep-weak",),
        )
    ]
    assert len(set(outputs)) == len(outputs)
    assert generate(*clock, "--seed-digits", "2", "--start", "0,0")[1] == outputs[0]


def test_a_file_is_private_whole_and_never_replaced_unasked(generate: Run, tmp_path: Path) -> None:
    """``--force`` replaces it."""
    file = tmp_path / "sequences"
    assert generate("-o", file, "--seed", "00")[:2] == (0, f"wrote 6 sequences to {file}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == generate("--seed", "00")[1]
    code, _, messages = generate("-o", file, "--seed", "01")
    assert code == 2
    assert "is there already" in messages
    assert "--force" in messages
    assert file.read_text() == generate("--seed", "00")[1]
    assert generate("-o", file, "--seed", "01", "--force")[0] == 0
    assert file.read_text() == generate("--seed", "01")[1]
    assert list(tmp_path.iterdir()) == [file]


def test_a_dash_is_the_standard_output(generate: Run) -> None:
    """As for other programs; no file of that name is made."""
    assert generate("-o", "-", "--seed", "00") == generate("--seed", "00")
    assert not Path("-").exists()


def test_what_is_no_file_is_never_replaced(generate: Run, tmp_path: Path) -> None:
    """A folder or a pipe stays, whatever ``--force`` says."""
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path, tmp_path / "pipe", Path("/dev/null"), Path()):
        for force in ((), ("--force",)):
            code, out, messages = generate("-o", name, *force)
            assert (code, out) == (2, "")
            assert "is no file" in messages


def test_one_number_of_knocks_is_the_length_of_every_line(generate: Run) -> None:
    """As a stock knockd needs it: ``--knocks 5`` is ``--knocks 5-5``, and --help says why."""
    code, out, _ = generate("--seed", "00", "--knocks", "5", "--count", "50")
    assert code == 0
    assert {len(line.sequence) for line in parse(out)} == {5}
    assert out == generate("--seed", "00", "--knocks", "5-5", "--count", "50")[1]
    words = " ".join(generate("--help")[1].split())
    assert (
        "A file that a stock knockd will read needs lines of one length, as by --knocks 5" in words
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "xyz"], "'xyz' is no hexadecimal number"),
        (["--seed", ""], "is no hexadecimal number"),
        (["--seed", "0" * 130], "is no hexadecimal number"),
        (["--seed", "00", "--seed-file", "/dev/null"], "both give a seed"),
        (["--seed-time", "5"], "--seed-time is for a seed of the clock"),
        (["--seed", "00", "--seed-digits", "2"], "--seed-digits is for a seed of the clock"),
        (["--seed", "time", "--seed-time", "noon"], "'noon' is no moment"),
        (["--seed", "time", "--seed-function", "seconds", "--seed-digits", "1"], "not for seconds"),
        (["--seed", "00", "--port-source", "system"], "whatever the seed"),
        (["--seed", "time", "--protocol-source", "hwrng"], "whatever the seed"),
        (["--start", "1,2,3"], "is no point"),
        (["--start", "0,0", "--protocol-source", "chua"], "--start is where henon's"),
        (["--steps", "4", "--protocol-source", "hmac"], "hmac has none"),
        (["--ports", "5000"], "is no range"),
        (["--ports", "5000-5005"], "only 6 ports"),
        (["--knocks", "2-9"], "range 2-9"),
        (["--knocks", "9"], "range 9-9"),
        (["--knocks", "3-"], "'3-' is no number of knocks"),
        (["--knocks", ""], "'' is no number of knocks"),
        (["--count", "0"], "count"),
        (["--force"], "--force is for -o"),
    ],
)
def test_a_contradiction_is_one_clear_line_and_a_hint(
    generate: Run, arguments: list[str], words: str
) -> None:
    """Exit code 2, and nothing is made."""
    code, out, messages = generate(*arguments)
    assert (code, out) == (2, "")
    said = messages.splitlines()
    assert words in said[0]
    assert all(line.startswith("sshknock: ") for line in said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--henon-a", "1.5"], "the orbit escapes"),
        (["--start", "9,9"], "the orbit escapes"),
        (["--start", "nan,0"], "the orbit escapes"),
        (["--threshold", "2"], "1000 sequences in a row were weak"),
        (["-o", "/nowhere/sequences"], "cannot write /nowhere/sequences"),
        (["--seed-file", "/nowhere"], "cannot read /nowhere"),
    ],
)
def test_what_cannot_work_ends_with_a_reason(
    generate: Run, arguments: list[str], words: str
) -> None:
    """Exit code 1."""
    code, out, messages = generate(*arguments)
    assert (code, out) == (1, "")
    assert words in messages
    assert "Traceback" not in messages


def test_a_reader_that_goes_away_is_no_fault() -> None:
    """As ``head`` does: exit code 0 and no words."""
    command = [sys.executable, "-m", "sshknock.cli", "generate", "--count", "1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b" ")
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(timeout=60) == 0


def test_nothing_of_the_extra_is_needed() -> None:
    """numpy, scipy and matplotlib are not even looked for."""
    code = (
        "import sys, json\n"
        "from sshknock.cli import main\n"
        "sys.argv = ['sshknock', 'generate']\n"
        "main()\n"
        "print(json.dumps(sorted({'numpy', 'scipy', 'matplotlib'} & sys.modules.keys())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
