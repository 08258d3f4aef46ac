"""A child tells how it ended, whether it is a program or a copy of the supervisor."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import pytest

from sshknock.errors import NoSuchPairing, SystemFault
from sshknock.server.hooks.child import Child, Result, fork, spawn
from tests.lab.waiting import eventually


def result(child: Child) -> Result:
    """Wait for its end."""
    eventually(child.ended, "the child has ended")
    return child.result()


def failing(error: BaseException) -> Callable[[], str]:
    """Work that raises an error."""

    def work() -> NoReturn:
        raise error

    return work


def test_a_copy_tells_what_a_program_would() -> None:
    """Both are read in the same way: when it is due again, and whom to watch."""
    told = "due 1.5\nwatch 7\nwatch 8\n"
    program = [sys.executable, "-ISBc", f"print({told!r}, end='')"]
    assert result(fork(lambda: told)) == result(spawn(program)) == Result(0, 1.5, (7, 8), "")


@pytest.mark.parametrize(
    ("error", "code", "complaint"),
    [
        (SystemFault("no nft\x1b[2J"), 1, "sshknock: no nft?[2J"),
        (NoSuchPairing("nobody"), 3, "sshknock: nobody"),
        (KeyError("next"), 1, "sshknock: KeyError: 'next'"),
        (SystemExit(0), 1, "sshknock: SystemExit: 0"),
    ],
)
def test_a_copy_that_fails_says_so_and_ends(
    error: BaseException, code: int, complaint: str
) -> None:
    """Whatever happens, there is no second supervisor afterwards."""
    here = os.getpid()
    assert result(fork(failing(error))) == Result(code, None, (), complaint)
    assert os.getpid() == here


def test_a_program_that_is_not_there_is_an_error_at_once() -> None:
    """So that something else can be done instead."""
    with pytest.raises(FileNotFoundError):
        spawn(["/no/such/program"])
