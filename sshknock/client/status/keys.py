"""Single keys of a terminal, while something is shown that is drawn anew."""

from __future__ import annotations

import os
import select
import signal
import termios
import time
import tty
from types import FrameType, TracebackType
from typing import Any, TextIO

_QUIT = b"qQ\x04"
_LONGEST = 64


class Keys:
    """Reads keys as they are pressed, unseen; gives the terminal back as it was.

    Where standard input is no terminal there are no keys, and only ^C is left.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._descriptor: int | None = None
        if stream is not None and stream.isatty():
            self._descriptor = stream.fileno()
        self._before: list[Any] = []

    def __enter__(self) -> Keys:  # noqa: PYI034  Python 3.10 has no Self
        if self._descriptor is not None:
            self._before = termios.tcgetattr(self._descriptor)
            tty.setcbreak(self._descriptor)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)

    def asked_to_quit(self, seconds: float) -> bool:
        """Wait so long; return at once when somebody asks to quit, or the terminal is gone."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._descriptor is None:
                time.sleep(left)
            elif select.select([self._descriptor], [], [], left)[0]:
                pressed = os.read(self._descriptor, _LONGEST)
                if not pressed or any(key in _QUIT for key in pressed):
                    return True
        return False


def _end(_number: int, _frame: FrameType | None) -> None:
    """Let a signal end the program by way of all that is to be put back."""
    raise KeyboardInterrupt
