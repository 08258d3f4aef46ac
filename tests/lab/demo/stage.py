"""What the audience sees of a play."""

from __future__ import annotations

import textwrap

from tests.lab import Completed, Host

COLUMNS = 78
INDENT = "   "


class NotSo(AssertionError):
    """A claim of the play does not hold."""


class Stage:
    """Numbered steps, commands, what they say, a tick for each claim."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._step = 0

    def step(self, text: str) -> None:
        """Say what comes next."""
        self._step += 1
        print(f"\n{self._paint('1;36', f'{self._step}. {text}')}", flush=True)

    def run(self, host: Host, command: str, *, user: str = "", check: bool = True) -> Completed:
        """Run a command line as if it were typed there; show it, and what came of it.

        A user other than root is part of the prompt.
        """
        prompt = f"{user}@{host.name}:~$" if user else f"{host.name}$"
        print(f"{INDENT}{self._paint('1', f'{prompt} {command}')}", flush=True)
        done = host.run(["/bin/sh", "-c", command], user=user or "root", check=check)
        for line in (done.stdout + done.stderr).splitlines():
            if line.strip():
                self.say(line)
        return done

    def say(self, text: str, label: str = "") -> None:
        """Explain: wrapped between words, what follows the label below its beginning."""
        shown = textwrap.fill(
            text,
            COLUMNS,
            initial_indent=INDENT + label,
            subsequent_indent=INDENT + " " * len(label),
            break_long_words=False,
            break_on_hyphens=False,
            replace_whitespace=False,
        )
        print(shown, flush=True)

    def claim(self, holds: object, text: str) -> None:
        """Tick a claim off; one that does not hold is a NotSo, which ends the play."""
        if not holds:
            raise NotSo(text)
        print(f"{INDENT}{self._paint('32', f'✓ {text}')}", flush=True)

    def fail(self, text: str) -> None:
        """Show what does not hold."""
        print(f"{INDENT}{self._paint('1;31', f'NOT SO: {text}')}", flush=True)

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text
