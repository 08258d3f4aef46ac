"""A real terminal on a host: what a person types there, and what they see."""

from __future__ import annotations

import itertools
from types import TracebackType

from tests.lab.host import Host
from tests.lab.waiting import eventually

_NUMBERS = itertools.count(1)


class Terminal:
    """A shell in tmux; use as a context manager.

    ``columns`` and ``rows`` are its size in characters. The prompt is the host's name and ``$``.
    """

    def __init__(self, host: Host, *, columns: int = 100, rows: int = 40) -> None:
        self.host = host
        self.prompt = f"{host.name}$"
        self._tmux = ["tmux", "-f", "/dev/null", "-S", f"/run/terminal{next(_NUMBERS)}"]
        self._size = ("-x", str(columns), "-y", str(rows))

    def __enter__(self) -> Terminal:  # noqa: PYI034  Self is of 3.11
        shell = f"PS1='{self.prompt} ' exec bash --norc --noprofile -i"
        environment = {"TERM": "screen-256color"}
        start = ["new-session", "-d", *self._size, "sh", "-c", shell]
        self.host.run([*self._tmux, *start], env=environment)
        self._call("set", "-g", "status", "off")
        self._call("set", "-g", "history-limit", "10000")
        eventually(self.is_ready, f"a shell on {self.host.name}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call("kill-server")

    def type(self, text: str) -> None:
        """Type a line, with Enter at its end."""
        self._call("send-keys", "-l", text)
        self._call("send-keys", "Enter")

    def press(self, key: str) -> None:
        """Press a key, by tmux's name for it: ``C-c``."""
        self._call("send-keys", key)

    def run(self, line: str, *, timeout_s: float = 60) -> None:
        """Type a command line, and wait until the prompt is back."""
        before = self.text().count(self.prompt)
        self.type(line)
        eventually(
            lambda: self.text().count(self.prompt) > before and self.is_ready(),
            f"the end of {line!r}",
            timeout_s=timeout_s,
        )

    def is_ready(self) -> bool:
        """Tell whether the last line is an empty prompt."""
        return self.text().endswith(self.prompt)

    def text(self) -> str:
        """Return what the screen shows, and what has scrolled off it, without colours."""
        return self._call("capture-pane", "-p", "-S", "-").rstrip()

    def coloured(self) -> str:
        """Return the same with its colours, as a terminal is sent them."""
        return self._call("capture-pane", "-e", "-p", "-S", "-").rstrip()

    def clear(self) -> None:
        """Leave nothing but the prompt."""
        self.press("C-l")
        self._call("clear-history")
        eventually(lambda: self.text() == self.prompt, "an empty screen")

    def _call(self, *words: str) -> str:
        return self.host.run([*self._tmux, *words]).stdout
