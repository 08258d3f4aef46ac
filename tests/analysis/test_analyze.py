"""``sshknock analyze``: what it takes, shows and refuses."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sshknock.analysis import examination
from sshknock.analysis.cli import analyze as command
from sshknock.cli import main
from sshknock.protocol.derivation import derive
from sshknock.protocol.knocks import Knock, Purpose, Transport
from sshknock.protocol.parameters import Parameters
from sshknock.protocol.secrets import Secret
from sshknock.protocol.sequence_file import Line, render

Run = Callable[..., tuple[int, str, str]]
COUNTER = "".join(f" {n}:tcp,{n + 1}:tcp,{n + 2}:tcp,{n + 3}:tcp\n" for n in range(7000, 8000))


@pytest.fixture
def analyze(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return how the command is run in this process: exit code, output, messages."""
    monkeypatch.setenv("COLUMNS", "80")
    # A report of a tenth of the usual size says the same.
    monkeypatch.setattr(examination, "BITS", 1 << 17)
    monkeypatch.setattr(examination, "KNOCKS", 1 << 16)

    def run(*arguments: str | Path, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sshknock", "analyze", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        code = main()
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def sequences(tmp_path: Path) -> Path:
    """Return a file of 300 sequences of the derivation, three of them used by a knockd."""
    secret, parameters = Secret(bytes(range(32))), Parameters()
    lines = [Line(derive(secret, Purpose.OPEN, n, parameters), used=n < 3) for n in range(300)]
    file = tmp_path / "sequences"
    file.write_text("# ours\n" + render(lines))
    return file


def measures(output: str) -> dict[str, dict[str, Any]]:
    """Return the measures of the first report by section and key."""
    report = json.loads(output)["reports"][0]
    return {
        f"{section['key']}.{measure['key']}": measure
        for section in report["sections"]
        for measure in section["measures"]
    }


def test_the_papers_pair_is_measured_and_fits_80_columns(analyze: Run) -> None:
    """Every section, each measure with a sentence, nothing wider than a terminal."""
    code, output, messages = analyze()
    assert (code, messages) == (0, "")
    for words in ("mt19937", "henon", "Ports:", "Protocols:", "Both streams", "Doors:", "0.99962"):
        assert words in output
    assert max(map(len, output.splitlines())) <= 80
    assert "\x1b" not in output


def test_json_is_versioned_and_the_same_each_time(analyze: Run) -> None:
    """The seed is fixed; another one gives other numbers."""
    code, output, _ = analyze("--json", "--port-source", "hmac", "--protocol-source", "hmac")
    again = analyze("--json", "--port-source", "hmac", "--protocol-source", "hmac")[1]
    other = analyze(
        *("--json", "--port-source", "hmac", "--protocol-source", "hmac", "--seed", "00ff")
    )[1]
    assert (code, output == again, output == other) == (0, True, False)
    told = json.loads(output)
    assert told["version"] == 1
    assert [section["key"] for section in told["reports"][0]["sections"]] == [
        *("ports", "protocols", "together", "sequences", "doors")
    ]
    assert all(measure.get("holds", True) for measure in measures(output).values())


def test_every_generator_stands_side_by_side(analyze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column each; what does not hold is marked, and told below."""
    monkeypatch.setattr(examination, "BITS", 1 << 14)
    code, output, messages = analyze("--all")
    assert (code, messages) == (0, "")
    heads = [line.split() for line in output.splitlines() if line.startswith("   ")]
    assert "Left out: hwrng" in output
    assert ["hmac", "mt19937", "system"] in [head[:3] for head in heads]
    assert ["henon", "chua", "hmac", "mt19937", "system"] in [head[:5] for head in heads]
    assert max(map(len, output.splitlines())) <= 80


def test_a_file_of_the_derivation_is_good(analyze: Run, sequences: Path) -> None:
    """Used lines count too, and comments do not."""
    code, output, messages = analyze("--json", sequences)
    assert (code, messages) == (0, "")
    told = json.loads(output)["reports"][0]
    assert told["parameters"] == {
        "sequences": "300",
        "used": "3",
        "ports": "3000-65000",
        "knocks": "4-6",
    }
    found = measures(output)
    assert (found["sequences.weak"]["value"], found["sequences.repeated"]["value"]) == (0, 0)
    assert found["doors.simulated_rising"]["value"] == 0
    assert all(measure.get("holds", True) for measure in found.values())


def test_a_bad_file_is_told_and_no_failure(analyze: Run) -> None:
    """Rising ports of one protocol, read from standard input: nearly nothing holds, exit code 0."""
    code, output, messages = analyze("--json", "-", stdin=(COUNTER + COUNTER).encode())
    assert (code, messages) == (0, "")
    found = measures(output)
    assert json.loads(output)["reports"][0]["subject"] == "standard input"
    assert found["sequences.weak"]["value"] == 2000
    assert found["sequences.repeated"]["value"] == 1000
    assert found["doors.simulated_rising"]["value"] == 2000
    for key in ("ports.entropy", "ports.runs", "protocols.p_udp", "doors.sweep_of_one"):
        assert found[key]["holds"] is False


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_a_short_file_is_measured_as_far_as_it_goes(
    analyze: Run, tmp_path: Path, count: int
) -> None:
    """What needs more is left out, and said."""
    file = tmp_path / "short"
    file.write_text("\n".join(COUNTER.splitlines()[:count]))
    code, output, messages = analyze(file)
    assert (code, messages) == (0, "")
    assert "too few" in output


def test_ports_below_the_usual_range_widen_it(analyze: Run, tmp_path: Path) -> None:
    """The paper's own figure 7 has some; one that is said is not widened."""
    file = tmp_path / "figure7"
    file.write_text("20583:udp,8382:tcp,1353:udp,1717:tcp,21917:udp\n")
    assert "ports 1024-65535" in analyze(file)[1]
    code, output, messages = analyze("--ports", "3000-65000", file)
    assert (code, output) == (1, "")
    assert "from 1353 to 21917, not within --ports" in messages


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no sequences"),
        (b"# nothing\n\n", "no sequences"),
        (b"hello\n", "line 1 is no sequence"),
        (b"\xff\xfe\n", "no text"),
        (b" 0:tcp,5:udp\n", "line 1 is no sequence"),
    ],
)
def test_what_is_no_sequence_file_is_refused_in_a_line(
    analyze: Run, content: bytes, words: str
) -> None:
    """By its name, with the line."""
    code, output, messages = analyze("-", stdin=content)
    assert (code, output) == (1, "")
    assert messages.startswith("sshknock: standard input: ")
    assert words in messages
    assert messages.count("standard input") == 1
    assert len(messages.splitlines()) <= 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--henon-a", "1.5"], "escapes"),
        (["--seed", "xyz"], "no hexadecimal number"),
        (["--seed", ""], "no hexadecimal number"),
        (["--seed", "00" * 65], "no hexadecimal number"),
        (["--seed", "00", "--port-source", "system"], "whatever the seed"),
        (["--steps", "8", "--protocol-source", "hmac"], "--steps is for orbits"),
        (["--henon-a", "1.3", "--protocol-source", "chua"], "--henon-a is for henon"),
        (["--ports", "5-1"], "range"),
        (["--knocks", "1-2"], "range"),
        (["--steps", "0"], "--steps"),
        (["--port-source", "henon"], "--port-source"),
        (["--nist", "file"], "--nist is for generators"),
        (["--all", "file"], "--all is for generators"),
        (["--all", "--port-source", "hmac"], "--port-source is for one pair"),
    ],
)
def test_options_that_cannot_be_are_a_usage_error(
    analyze: Run, arguments: list[str], words: str
) -> None:
    """Exit code 2, one line and perhaps a hint."""
    code, output, messages = analyze(*arguments)
    assert (code, output) == (2, "")
    assert words in messages
    assert len(messages.splitlines()) <= 2


def test_bad_coefficients_are_measured_as_long_as_the_orbit_stays(analyze: Run) -> None:
    """A threshold that pairings are refused for is what an analysis is for."""
    code, output, _ = analyze("--json", "--threshold", "1.0")
    found = measures(output)["protocols.p_udp"]
    assert (code, found["holds"]) == (0, False)
    assert found["value"] < 0.2


def test_bits_that_never_change_are_measured_too(analyze: Run) -> None:
    """A threshold that x never reaches: every drawing is weak, and the report says what it can."""
    code, output, messages = analyze("--threshold", "2")
    assert (code, messages) == (0, "")
    assert "Every drawing was weak" in " ".join(output.split())


@pytest.mark.parametrize("flaw", [("--threshold", "5"), ("--henon-a", "0.1"), ("--threshold", "0")])
def test_nothing_is_praised_that_is_made_of_bad_generators(
    analyze: Run, flaw: tuple[str, str]
) -> None:
    """What is computed says for which generators, and that these are not among them."""
    sections = json.loads(analyze("--json", *flaw)[1])["reports"][0]["sections"]
    for section in sections[-2:]:
        assert section["title"].endswith("if both generators are good")
        assert section["remarks"][0].startswith("A NO above matters here: P(udp)")


def test_what_a_guesser_gains_by_the_papers_pair_is_said_and_no_flaw(analyze: Run) -> None:
    """Henon's bits fail two tests, which is worth a fifth of a bit of a hundred."""
    sections = json.loads(analyze("--json")[1])["reports"][0]["sections"]
    assert any("A guesser gains 0.0" in remark for remark in sections[1]["remarks"])
    assert not any("A NO above" in remark for each in sections for remark in each["remarks"])


def test_weak_sequences_that_are_kept_are_open_to_a_sweep(analyze: Run) -> None:
    """As many of ours as are computed, and ports that are excluded are not among them."""
    found = measures(analyze("--json", "--keep-weak", "--exclude", "3000,4000")[1])
    assert found["doors.sweep_of_both"]["holds"] is False
    assert found["doors.simulated_rising"]["value"] > 0
    assert found["sequences.bits_4"]["value"] == pytest.approx(4 * math.log2(2 * 61999))


def test_a_file_that_is_not_there_is_named(analyze: Run, tmp_path: Path) -> None:
    """By the system's own words."""
    code, _, messages = analyze(tmp_path / "gone")
    assert code == 1
    assert messages == f"sshknock: cannot read {tmp_path}/gone: No such file or directory\n"


def test_without_the_extra_there_is_a_hint(analyze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with what is missing, one with the command that installs it."""
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "scipy" else name)
    code, output, messages = analyze()
    assert (code, output) == (1, "")
    first, hint = messages.splitlines()
    assert first == "sshknock: not installed, and needed by analyze: scipy"
    assert "pip install 'sshknock[analysis]'" in hint


def test_a_page_and_figures_are_written(
    analyze: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where they were asked for, and named on standard error; the text is there, too."""
    monkeypatch.setattr(
        "sshknock.analysis.figures.catalogue.ENTRIES",
        [entry for entry in command_entries() if entry.name == "fig2"],
    )
    file, folder = tmp_path / "page.html", tmp_path / "new" / "figures"
    code, output, messages = analyze("--html", file, "--figures", folder)
    assert code == 0
    assert "Ports:" in output
    assert sorted(path.name for path in folder.iterdir()) == ["fig2.svg"]
    assert "Shannon entropy" in file.read_text()
    assert len(messages.splitlines()) == 2
    code, _, messages = analyze("--html", "/proc/page.html")
    assert code == 1
    assert messages.startswith("sshknock: cannot write /proc/page.html: ")


@pytest.mark.parametrize(
    "options",
    [("--html", "-"), ("--html", "/"), ("--html", "/none/page"), ("--figures", "/dev/null")],
    ids=" ".join,
)
def test_what_could_not_be_written_is_refused_before_the_work(
    analyze: Run, options: tuple[str, str]
) -> None:
    """One line, and no report."""
    code, output, messages = analyze(*options)
    assert (code, output) == (2, "")
    assert messages.startswith(f"sshknock: {options[0]} {options[1]}")


def command_entries() -> list[Any]:
    """Return all figures that there are."""
    from sshknock.analysis.figures.catalogue import ENTRIES  # noqa: PLC0415

    return list(ENTRIES)


def test_a_name_cannot_move_the_cursor(analyze: Run, tmp_path: Path) -> None:
    """A file's name is shown without its control characters."""
    file = tmp_path / "a\x1b[2Jb"
    file.write_text(render([Line((Knock(5000, Transport.TCP), Knock(6000, Transport.UDP)))]))
    assert "\x1b" not in analyze(file)[1]


def test_nothing_is_said_to_a_reader_that_went_away(sequences: Path) -> None:
    """As with ``| head -1``: no traceback, no message."""
    with subprocess.Popen(
        [sys.executable, "-m", "sshknock.cli", "analyze", str(sequences)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
