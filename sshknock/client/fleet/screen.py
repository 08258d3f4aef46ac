"""What is seen of a run over many servers: a bar at a terminal, plain lines anywhere else.

All of it goes to standard error; the summary, which is the result, is printed by ``summary``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sshknock.client.fleet.passwords import Passwords
from sshknock.client.fleet.runner import Outcome, Result
from sshknock.client.terminal import agrees
from sshknock.errors import one_line

_SHOWN_AT_ONCE = 3
_STYLES = {
    Outcome.DONE: "green",
    Outcome.SKIPPED: "dim",
    Outcome.FAILED: "red",
    Outcome.LEFT: "yellow",
}


class TerminalScreen:
    """A line for each server that is done, and below them a bar with those under way.

    Use as a context manager. ``what`` is the command, in one word.
    """

    def __init__(self, what: str, total: int) -> None:
        self._console = Console(stderr=True, highlight=False, emoji=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[names]}", style="dim", markup=False),
            console=self._console,
            transient=True,
        )
        self._bar = self._progress.add_task(what, total=total, names="")
        self._under_way: dict[str, str] = {}
        self._passwords = Passwords(several=total > 1)
        self._stack = ExitStack()

    def __enter__(self) -> TerminalScreen:  # noqa: PYI034  Self is of 3.11
        self._stack.enter_context(self._progress)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
        self._console.print()  # the summary follows

    def begun(self, name: str, step: str) -> None:
        """Show a server among those under way."""
        self._under_way[name] = step
        self._show()

    def ended(self, result: Result) -> None:
        """Show what became of a server, above the bar."""
        self._under_way.pop(result.name, None)
        message = one_line(result.message)
        self._console.print(
            f"{result.name}: {message}", style=_STYLES[result.outcome], markup=False
        )
        self._progress.advance(self._bar)
        self._show()

    def password(self, name: str, prompt: str) -> str | None:
        """Ask below the bar, which stands still meanwhile."""
        with self._standing_still():
            return self._passwords.ask(name, prompt)

    def agrees(self, name: str, question: str) -> bool | None:
        """Ask below the bar, which stands still meanwhile."""
        with self._standing_still():
            return agrees(f"{name}: {question}")

    def stopping(self, under_way: int) -> None:
        """Say what ^C has done."""
        self._console.print(_stopping(under_way), style="yellow", markup=False)

    @contextmanager
    def _standing_still(self) -> Iterator[None]:
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def _show(self) -> None:
        names = list(self._under_way)
        shown = ", ".join(names[:_SHOWN_AT_ONCE])
        more = f" and {len(names) - _SHOWN_AT_ONCE} more" if len(names) > _SHOWN_AT_ONCE else ""
        if len(names) == 1 and self._under_way[shown]:
            more = f": {self._under_way[shown]}"
        self._progress.update(self._bar, names=one_line(shown + more))


class PlainScreen:
    """A line for each server that is done."""

    def __init__(self, total: int) -> None:
        self._passwords = Passwords(several=total > 1)

    def __enter__(self) -> PlainScreen:  # noqa: PYI034  Self is of 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave nothing to be undone."""

    def begun(self, name: str, step: str) -> None:
        """Say nothing yet."""

    def ended(self, result: Result) -> None:
        """Say what became of a server."""
        _say(f"{result.name}: {one_line(result.message)}")

    def password(self, name: str, prompt: str) -> str | None:
        """Ask on the terminal that there may be all the same."""
        return self._passwords.ask(name, prompt)

    def agrees(self, name: str, question: str) -> bool | None:
        """Ask on the terminal that there may be all the same."""
        return agrees(f"{name}: {question}")

    def stopping(self, under_way: int) -> None:
        """Say what ^C has done."""
        _say(_stopping(under_way))


def screen(what: str, total: int) -> TerminalScreen | PlainScreen:
    """Return what suits standard error."""
    return TerminalScreen(what, total) if sys.stderr.isatty() else PlainScreen(total)


def _stopping(under_way: int) -> str:
    servers = "1 server" if under_way == 1 else f"{under_way} servers"
    return f"finishing the {servers} under way; ^C again leaves them where they are"


def _say(line: str) -> None:
    print(f"sshknock: {line}", file=sys.stderr, flush=True)
