"""What the doctor prints: a line a check, and below it what to do."""

from __future__ import annotations

import pytest

from sshknock.client.doctor import report
from sshknock.client.doctor.findings import Check, problem
from tests.test_wrapping import shown, terminal

CAUSE = "1. the pairing was removed, disabled or rotated on the server: ask there"
FINDING = problem(Check.OPENING, "box did not open", "see which of these it is:", CAUSE)


def test_what_to_do_is_called_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal every line stays one."""
    report._show(FINDING)
    assert capsys.readouterr().out.splitlines() == [
        "  problem  box did not open",
        "           to do: see which of these it is:",
        "           " + CAUSE,
    ]


def test_at_a_terminal_a_cause_hangs_below_its_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at the margin, where the next check begins."""
    with terminal(60) as (stream, master):
        monkeypatch.setattr("sys.stdout", stream)
        report._show(FINDING)
        monkeypatch.undo()
        lines = shown(stream, master)
    assert lines[2:] == [
        "           1. the pairing was removed, disabled or rotated",
        "              on the server: ask there",
    ]
