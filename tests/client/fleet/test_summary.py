"""What is printed at the end of a run over many servers."""

from __future__ import annotations

import json

import pytest

from sshknock.client.fleet import summary
from sshknock.client.fleet.runner import Outcome, Result

RESULTS = [
    Result("web3", Outcome.FAILED, "back \x1b[2J does not answer", "does 'ssh web3' get there?"),
    Result("web1", Outcome.DONE, "a new secret"),
    Result("web4", Outcome.LEFT, "not begun"),
    Result("web2", Outcome.SKIPPED, "enrolled already"),
]


def test_people_see_what_is_not_done_and_how_many_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its reason and a hint; what a server says moves no cursor."""
    summary.show("rotated", RESULTS, "go on with --left")
    head, *rows, blank, count, hint = capsys.readouterr().out.splitlines()
    assert head.split() == ["server", "result", "why", "what", "to", "do"]
    assert [row.split()[:2] for row in rows] == [
        ["web2", "skipped"],
        ["web3", "failed"],
        ["web4", "left"],
    ]
    assert "back ?[2J does not answer" in rows[1]
    assert rows[1].rstrip().endswith("does 'ssh web3' get there?")
    assert (blank, count) == ("", "1 rotated, 1 skipped, 1 failed, 1 left, of 4")
    assert hint == "go on with --left"


def test_a_run_without_trouble_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No table of nothing."""
    summary.show("rotated", RESULTS[1:2], None)
    assert capsys.readouterr().out == "1 rotated, of 1\n"


def test_programs_get_all_of_it() -> None:
    """Every server, those that are done too, and the counts."""
    values = json.loads(summary.as_json("rotate", RESULTS))
    assert {key: values[key] for key in ("version", "command", "done", "skipped")} == {
        "version": 1,
        "command": "rotate",
        "done": 1,
        "skipped": 1,
    }
    assert values["servers"][1] == {
        "name": "web1",
        "result": "done",
        "message": "a new secret",
        "hint": None,
    }
