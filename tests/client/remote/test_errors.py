"""Why there is no connection, in our own words."""

from __future__ import annotations

import asyncio
import errno

import pytest

from sshknock.client.remote.errors import explained

CALL = "Connect call failed ('10.77.0.99', 22)"
BOTH = f"Multiple exceptions: [Errno {{0}}] {CALL}, [Errno {{0}}] {CALL}"

NOT_CONNECTED = {
    "no host": (OSError(errno.EHOSTUNREACH, CALL), "cannot connect to box: no route to host"),
    "no host by either family": (
        OSError(BOTH.format(errno.EHOSTUNREACH)),
        "cannot connect to box: no route to host",
    ),
    "refused": (ConnectionRefusedError(errno.ECONNREFUSED, CALL), "box does not answer"),
    "refused by either family": (OSError(BOTH.format(errno.ECONNREFUSED)), "box does not answer"),
    "no answer": (asyncio.TimeoutError(), "box does not answer"),
    "broken off": (ConnectionResetError(errno.ECONNRESET, CALL), "the connection to box broke off"),
}


@pytest.mark.parametrize(("error", "message"), NOT_CONNECTED.values(), ids=NOT_CONNECTED.keys())
def test_the_kernels_reason_is_given_and_not_pythons_text(error: Exception, message: str) -> None:
    """The loop has a text of its own, and one for all the addresses of a name together."""
    told = explained(error, "box")
    assert (told.message, told.hint is not None) == (message, True)
