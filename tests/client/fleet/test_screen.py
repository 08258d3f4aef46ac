"""What is seen of a run over many servers while it goes on."""

from __future__ import annotations

import pytest

from sshknock.client.fleet.runner import Outcome, Result
from sshknock.client.fleet.screen import TerminalScreen


def test_what_a_server_says_moves_no_cursor_and_styles_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the bar, too, where the step of the last server under way is shown."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with TerminalScreen("enroll", 2) as screen:  # which is drawn at its end
        screen.begun("web2", "")
        screen.ended(Result("web2", Outcome.DONE, "enrolled"))
        screen.begun("web1", "sshknock-server \x1b]0;mine\x07 [/odd] is there")
    with TerminalScreen("enroll", 1) as screen:
        screen.ended(Result("web1", Outcome.FAILED, "\x1b]0;mine\x07 [/odd] :bomb:"))
    shown = capsys.readouterr().err
    assert "\x1b]0;" not in shown
    assert "[/odd] is there" in shown
    assert "[/odd] :bomb:" in shown
