"""Signals while an event loop runs: heard between two steps of it, never in the midst of one.

A ^C that Python raises wherever it happens to be may tear a packet of the connection apart, and
then nothing more can be said over it: not even that something there is to be taken back.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def resume(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Run the loop until a task is done.

    A signal that Python code handles stops the loop, and its handler is called then. What that
    raises ends the wait, and the task is left as it is: it goes on when the loop next runs.
    """
    while not task.done():
        for call in _run(loop, task):
            call()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> list[Callable[[], object]]:
    """Run until the task is done or a signal comes; return what is to be called for it."""
    came: list[Callable[[], object]] = []
    interrupted: asyncio.Future[None] = loop.create_future()

    def hear(call: Callable[[], object]) -> None:
        came.append(call)
        if not interrupted.done():
            interrupted.set_result(None)

    with ExitStack() as former:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                _replace(loop, number, hear, former)
        either: set[asyncio.Future[Any]] = {task, interrupted}
        loop.run_until_complete(asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED))
    return came


def _replace(
    loop: asyncio.AbstractEventLoop,
    number: signal.Signals,
    hear: Callable[[Callable[[], object]], None],
    former: ExitStack,
) -> None:
    """Let the loop hear a signal, where there is a handler to be called afterwards."""
    handler = signal.getsignal(number)
    if not callable(handler):
        return
    loop.add_signal_handler(number, hear, lambda: handler(number, None))
    former.callback(signal.signal, number, handler)
    former.callback(loop.remove_signal_handler, number)
