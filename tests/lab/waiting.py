"""Waiting for a condition: the lab's only way to let time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_INTERVAL_S = 0.02


def eventually(condition: Callable[[], T], what: str, *, timeout_s: float = 10) -> T:
    """The first truthy value of `condition`, asked for until `timeout_s` seconds have passed.

    An AssertionError inside the condition counts as "not yet".  At the end an AssertionError tells
    what was waited for and what was seen last.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        seen: object
        try:
            value = condition()
        except AssertionError as error:
            seen = error
        else:
            if value:
                return value
            seen = value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}; last seen: {seen!r}")
        time.sleep(POLL_INTERVAL_S)


def never(condition: Callable[[], object], what: str, *, for_s: float) -> None:
    """Hold that `condition` stays falsy for `for_s` seconds."""
    deadline = time.monotonic() + for_s
    while time.monotonic() < deadline:
        seen = condition()
        if seen:
            raise AssertionError(f"happened, and must not: {what}: {seen!r}")
        time.sleep(POLL_INTERVAL_S)
